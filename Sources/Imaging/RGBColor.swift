/// An 8-bit RGB color.
public struct RGBColor: Hashable, Sendable, CustomStringConvertible {
    public let red: UInt8
    public let green: UInt8
    public let blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// Parses `#rrggbb`, upper or lower case; `nil` for anything else.
    public init?(hex: String) {
        let digits = hex.utf8.dropFirst()
        guard hex.hasPrefix("#"), digits.count == 6, hex.dropFirst().allSatisfy(\.isHexDigit),
            let value = UInt32(hex.dropFirst(), radix: 16)
        else { return nil }
        self.init(red: UInt8(value >> 16), green: UInt8(value >> 8 & 255), blue: UInt8(value & 255))
    }

    public var description: String {
        func two(_ value: UInt8) -> String { (value < 16 ? "0" : "") + String(value, radix: 16, uppercase: true) }
        return "#" + two(red) + two(green) + two(blue)
    }

    public static let black = RGBColor(red: 0, green: 0, blue: 0)
    public static let white = RGBColor(red: 255, green: 255, blue: 255)

    /// The nine colors that annotators use, by class index.
    public static let palette: [RGBColor] = [
        RGBColor(red: 0x48, green: 0x92, blue: 0xEA), RGBColor(red: 0x00, green: 0xEE, blue: 0xC3),
        RGBColor(red: 0xFE, green: 0x4E, blue: 0xF0), RGBColor(red: 0xF4, green: 0x00, blue: 0x4E),
        RGBColor(red: 0xFA, green: 0x72, blue: 0x00), RGBColor(red: 0xEE, green: 0xEE, blue: 0x17),
        RGBColor(red: 0x90, green: 0xFF, blue: 0x00), RGBColor(red: 0x78, green: 0xC1, blue: 0xD2),
        RGBColor(red: 0x8C, green: 0x29, blue: 0xFF),
    ]
}
