import TestSupport
import Testing

@testable import ImageCodecs

/// Writes HEIF files of items, all of whose numbers are what a test says.
struct HEIFWriter {
    struct Item {
        var kind: String
        var data: [UInt8] = []
        /// Whole boxes.
        var properties: [[UInt8]] = []
        /// Items that it is derived from.
        var sources: [Int] = []
    }

    /// The items, numbered from 1.
    var items: [Item] = []
    var brand = "heic"

    static func box(_ kind: String, _ body: [UInt8]) -> [UInt8] { number(body.count + 8, 4) + Array(kind.utf8) + body }

    static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (1...count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - $0))) }
    }

    static func size(_ width: Int, _ height: Int) -> [UInt8] {
        box("ispe", [0, 0, 0, 0] + number(width, 4) + number(height, 4))
    }

    /// A clean aperture of whole numbers in the middle.
    static func crop(_ width: Int, _ height: Int) -> [UInt8] {
        box("clap", [width, 1, height, 1, 0, 1, 0, 1].flatMap { number($0, 4) })
    }

    /// The data of a grid of tiles.
    static func grid(_ width: Int, _ height: Int, rows: Int, columns: Int) -> [UInt8] {
        [0, 1] + number(rows - 1, 1) + number(columns - 1, 1) + number(width, 4) + number(height, 4)
    }

    /// The primary image of a file of `UnusualPictureTests`, without the properties that turn or crop it.
    static func item(ofFixture name: String) throws -> Item {
        let file = [UInt8](try #require(UnusualPictureTests.fixtures.first { $0.name == name }).file)
        return try file.withUnsafeBytes { bytes in
            let items = HEIFItems(bytes)
            let item = try #require(items.primary.flatMap { items.items[$0] })
            let kept = item.properties.filter { !["irot", "imir", "clap"].contains($0.kind) }
            return Item(
                kind: item.kind, data: item.extents.flatMap { [UInt8](bytes[$0]) },
                properties: kept.map { box($0.kind, [UInt8](bytes[$0.body])) })
        }
    }

    /// The file.
    /// - Parameter extents: how many times each item's data is listed.
    func file(primary: Int, extents: Int = 1) -> [UInt8] {
        let head = layout(at: 0, primary: primary, extents: extents)
        return layout(at: head.count + 8, primary: primary, extents: extents) + Self.box("mdat", items.flatMap(\.data))
    }

    private func layout(at offset: Int, primary: Int, extents: Int) -> [UInt8] {
        let number = Self.number, box = Self.box
        var places: [UInt8] = [], kinds: [UInt8] = [], links: [UInt8] = [], references: [UInt8] = []
        var at = offset, properties: [UInt8] = [], count = 0
        for (index, item) in items.enumerated() {
            let id = number(index + 1, 2)
            let extent = number(at, 4) + number(item.data.count, 4)
            places += id + [0, 0] + number(extents, 2) + (0..<extents).flatMap { _ in extent }
            at += item.data.count
            kinds += box("infe", [2, 0, 0, 0] + id + [0, 0] + Array(item.kind.utf8) + [0])
            // An entry holds 255 properties.
            for start in stride(from: 0, to: max(item.properties.count, 1), by: 255) {
                let some = item.properties.dropFirst(start).prefix(255)
                links += id + [UInt8(some.count)] + (0..<some.count).flatMap { number(count + start + $0 + 1, 2) }
            }
            count += item.properties.count
            properties += item.properties.joined()
            if !item.sources.isEmpty {
                references += box(
                    "dimg", id + number(item.sources.count, 2) + item.sources.flatMap { number($0, 2) })
            }
        }
        let entryCount = items.reduce(0) { $0 + max(($1.properties.count + 254) / 255, 1) }
        let meta =
            box("hdlr", [0, 0, 0, 0, 0, 0, 0, 0] + Array("pict".utf8) + [UInt8](repeating: 0, count: 13))
            + box("pitm", [0, 0, 0, 0] + number(primary, 2))
            + box("iloc", [0, 0, 0, 0, 0x44, 0] + number(items.count, 2) + places)
            + box("iinf", [0, 0, 0, 0] + number(items.count, 2) + kinds)
            + (references.isEmpty ? [] : box("iref", [0, 0, 0, 0] + references))
            + box("iprp", box("ipco", properties) + box("ipma", [0, 0, 0, 1] + number(entryCount, 4) + links))
        return box("ftyp", Array(brand.utf8) + [0, 0, 0, 0] + Array("mif1".utf8)) + box("meta", [0, 0, 0, 0] + meta)
    }
}
