import Foundation
import Imaging

/// Values of files that other tools write. A value in an unknown form is an error that names it: to leave it out would prepare images in
/// another way than the tool does.
extension ModelSettings {
    /// A value; `nil` where the key is missing or null.
    static func value(_ object: [String: Any], _ key: String) -> Any? {
        let value = object[key]
        return value is NSNull ? nil : value
    }

    /// The error for a value in an unknown form.
    static func unknown(_ value: Any?, _ key: String, _ file: String, expected: String) -> SegmentationError {
        let found = value.map { "\($0)" } ?? "missing"
        return .invalidConfiguration("\(file): '\(key)' is \(found.excerpt()); expected \(expected).")
    }

    /// A size; `nil` where one of its sides is not given as a number.
    static func size(_ sides: [String: Any], _ file: String) throws -> ImageSize? {
        guard sides["width"] is Double, sides["height"] is Double,
            let width = try integer(sides, "width", in: 1...ModelLimits.inputSide, file),
            let height = try integer(sides, "height", in: 1...ModelLimits.inputSide, file)
        else { return nil }
        return ImageSize(width: width, height: height)
    }

    /// An integer of a tool's file; `nil` if the key is missing or its value is not a number.
    /// - Throws: `SegmentationError.invalidConfiguration` for a number that is not accepted.
    static func integer(
        _ object: [String: Any], _ key: String, in range: ClosedRange<Int>, _ file: String
    ) throws -> Int? {
        guard let number = object[key] as? Double else { return nil }
        let integer = Int(exactly: number)
        guard let integer, range.contains(integer) else {
            let found = integer.map(String.init) ?? String(number)
            throw SegmentationError.invalidConfiguration(
                "\(file): '\(key)' is \(found); whole numbers from \(range.lowerBound) to \(range.upperBound) are accepted."
            )
        }
        return integer
    }

    /// A number; `nil` if the key is missing.
    /// - Throws: `SegmentationError.invalidConfiguration` for anything else than a number.
    static func number(_ object: [String: Any], _ key: String, _ file: String) throws -> Double? {
        guard let value = value(object, key) else { return nil }
        guard let number = value as? Double else { throw unknown(value, key, file, expected: "a number") }
        return number
    }

    /// Whether a switch is on; `nil` if the key is missing.
    /// - Throws: `SegmentationError.invalidConfiguration` for anything else than true or false.
    static func flag(_ object: [String: Any], _ key: String, _ file: String) throws -> Bool? {
        guard let value = value(object, key) else { return nil }
        guard let flag = value as? Bool else { throw unknown(value, key, file, expected: "true or false") }
        return flag
    }

    /// A number for each of three channels, from three numbers, or from one for all; `nil` where there is no value.
    /// - Throws: `SegmentationError.invalidConfiguration` for anything else.
    static func triple(_ value: Any?, _ key: String, _ file: String) throws -> [Float]? {
        guard let value, !(value is NSNull) else { return nil }
        let numbers = (value as? [Double]) ?? (value as? Double).map { [$0] } ?? []
        guard [1, 3].contains(numbers.count) else { throw unknown(value, key, file, expected: "three numbers") }
        return (numbers.count == 1 ? Array(repeating: numbers[0], count: 3) : numbers).map(Float.init)
    }
}
