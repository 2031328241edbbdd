/// The items of a HEIF file, how they depend on one another and what their properties say (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12,
/// 6.6). The cost of decoding follows from them, and, for images that libheif does not read, how tiles, turns, crops and colors make the
/// image. libavif and libheif read the file anew.
struct HEIFItems {
    struct Item: Sendable {
        /// Four characters, such as `hvc1` or `grid`.
        var kind = ""
        /// Where its data lies in the file.
        var extents: [Range<Int>] = []
        /// Whether its data lies in another item.
        var isElsewhere = false
        /// The images that it is derived from, in the order of the file; one may occur many times.
        var sources: [Int] = []
        /// Images that belong to it, such as its alpha channel.
        var auxiliaries: [Int] = []
        /// Boxes that say its size (`ispe`), how it is coded (`hvcC`, `av1C`), its colors (`colr`), what it is for (`auxC`) and how it
        /// is turned, mirrored and cropped (`irot`, `imir`, `clap`), in the order of the file.
        var properties: [Box] = []
    }

    /// A box: its kind and where its content lies in the file.
    struct Box: Sendable {
        let kind: String
        let body: Range<Int>
    }

    private(set) var items: [Int: Item] = [:]
    private(set) var primary: Int?
    /// Number of entries in all lists of items, references and associations; the library searches them one by one.
    private(set) var entryCount = 0
    /// Whether every list was read to its exact end. Where lengths contradict one another, the library may see other items.
    private(set) var isWellFormed = true
    /// Where the file has the kind of a reference from an auxiliary image or thumbnail to more than one image, or to none.
    private(set) var sharedReferences: [Int] = []
    private let bytes: UnsafeRawBufferPointer
    private var itemData = 0..<0
    /// How many more numbers are read; the lists of a file of thousands of tiles have some ten thousand.
    private var remainingReads = 1_000_000

    private static let maxBoxes = 100_000
    private static let properties: Set = ["ispe", "hvcC", "av1C", "colr", "auxC", "irot", "imir", "clap"]

    /// Reads the `meta` box of a file.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        let metas = boxes(in: 0..<bytes.count).filter { $0.kind == "meta" }
        isWellFormed = metas.count <= 1
        guard isWellFormed, let meta = metas.first else { return }
        let children = exactBoxes(in: meta.body.dropFirst(4))
        // Like the library, of several boxes of one kind the first counts.
        func child(_ kind: String) -> Range<Int> { children.first { $0.kind == kind }?.body ?? 0..<0 }
        itemData = child("idat")
        readPrimary(child("pitm"))
        readKinds(child("iinf"))
        readExtents(child("iloc"))
        readReferences(child("iref"))
        readProperties(child("iprp"))
    }

    /// Whether the primary image is coded as AV1, or a grid of such images in the order of their numbers: libavif before 1.1 puts
    /// the tiles of a grid in that order, whatever the file says.
    var isAV1: Bool {
        guard let item = primary.flatMap({ items[$0] }) else { return false }
        if item.kind == "av01" { return true }
        guard item.kind == "grid", item.sources == item.sources.sorted() else { return false }
        return item.sources.allSatisfy { items[$0]?.kind == "av01" }
    }

    // MARK: Boxes

    private func boxes(in range: Range<Int>) -> [Box] {
        var found: [Box] = []
        var at = range.lowerBound
        while at + 8 <= range.upperBound, found.count < Self.maxBoxes {
            var length = bytes.bigEndian(at: at)
            var head = 8
            if length == 1 {
                guard at + 16 <= range.upperBound, let large = number(at + 8, 8) else { break }
                (length, head) = (large, 16)
            } else if length == 0 {
                length = range.upperBound - at
            }
            guard length >= head, length <= range.upperBound - at else { break }
            let kind = String(decoding: bytes[at + 4..<at + 8], as: UTF8.self)
            found.append(Box(kind: kind, body: at + head..<at + length))
            at += length
        }
        return found
    }

    /// The boxes of a range that they must fill.
    private mutating func exactBoxes(in range: Range<Int>) -> [Box] {
        let found = boxes(in: range)
        if (found.last?.body.upperBound ?? range.lowerBound) != range.upperBound { isWellFormed = false }
        return found
    }

    /// A number of 0 to 8 bytes, most significant first; `nil` past the end of the file or above `Int.max`.
    private func number(_ offset: Int, _ length: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - length else { return nil }
        var value: UInt64 = 0
        for i in 0..<length { value = value << 8 | UInt64(bytes[offset + i]) }
        return Int(exactly: value)
    }

    private mutating func readPrimary(_ body: Range<Int>) {
        guard !body.isEmpty, let version = number(body.lowerBound, 1) else { return }
        primary = number(body.lowerBound + 4, version == 0 ? 2 : 4)
    }

    private mutating func readKinds(_ body: Range<Int>) {
        guard !body.isEmpty, let version = number(body.lowerBound, 1) else { return }
        for entry in exactBoxes(in: body.dropFirst(version == 0 ? 6 : 8)) where entry.kind == "infe" {
            entryCount += 1
            guard let version = number(entry.body.lowerBound, 1), version >= 2 else { continue }
            let idLength = version == 2 ? 2 : 4
            let at = entry.body.lowerBound + 4
            guard at + idLength + 6 <= entry.body.upperBound, let id = number(at, idLength) else { continue }
            guard items[id]?.kind.isEmpty ?? true else { continue }
            items[id, default: Item()].kind = String(
                decoding: bytes[at + idLength + 2..<at + idLength + 6], as: UTF8.self)
        }
    }

    private mutating func readExtents(_ body: Range<Int>) {
        var cursor = Cursor(at: body.lowerBound, end: body.upperBound)
        guard let version = read(&cursor, 1), read(&cursor, 3) != nil, let sizes = read(&cursor, 2) else { return }
        let (offsetLength, lengthLength) = (sizes >> 12, sizes >> 8 & 15)
        let (baseLength, indexLength) = (sizes >> 4 & 15, version == 0 ? 0 : sizes & 15)
        // The library reads numbers of 0, 4 and 8 bytes, and an index in version 2 only.
        guard [offsetLength, lengthLength, baseLength, indexLength].allSatisfy([0, 4, 8].contains),
            version < 2 ? indexLength == 0 : version == 2
        else {
            isWellFormed = false
            return
        }
        guard let count = read(&cursor, version < 2 ? 2 : 4) else { return }
        for _ in 0..<min(count, Self.maxBoxes) {
            guard let id = read(&cursor, version < 2 ? 2 : 4) else { return }
            entryCount += 1
            var construction = 0
            if version > 0 {
                guard let found = read(&cursor, 2) else { return }
                construction = found & 15
            }
            if construction > 1 { items[id, default: Item()].isElsewhere = true }
            guard read(&cursor, 2) != nil, let base = read(&cursor, baseLength), let extents = read(&cursor, 2) else {
                return
            }
            for _ in 0..<extents {
                guard read(&cursor, indexLength) != nil, let offset = read(&cursor, offsetLength),
                    let length = read(&cursor, lengthLength)
                else { return }
                let origin = construction == 1 ? itemData.lowerBound : 0
                let (start, overflow) = base.addingReportingOverflow(offset)
                guard !overflow, start <= bytes.count - origin else { continue }
                let from = origin + start
                items[id, default: Item()].extents.append(from..<from + min(length, bytes.count - from))
            }
        }
        if cursor.at != cursor.end { isWellFormed = false }
    }

    private mutating func readReferences(_ body: Range<Int>) {
        guard !body.isEmpty, let version = number(body.lowerBound, 1) else { return }
        let idLength = version == 0 ? 2 : 4
        for reference in exactBoxes(in: body.dropFirst(4)) {
            entryCount += 1
            var cursor = Cursor(at: reference.body.lowerBound, end: reference.body.upperBound)
            guard let from = read(&cursor, idLength), let count = read(&cursor, 2) else { return }
            if ["auxl", "thmb"].contains(reference.kind), count != 1 {
                sharedReferences.append(reference.body.lowerBound - 4)
            }
            for _ in 0..<count {
                guard let to = read(&cursor, idLength) else { return }
                if reference.kind == "dimg" {
                    items[from, default: Item()].sources.append(to)
                } else if reference.kind == "auxl" {
                    items[to, default: Item()].auxiliaries.append(from)
                }
            }
            if cursor.at != cursor.end { isWellFormed = false }
        }
    }

    private mutating func readProperties(_ body: Range<Int>) {
        let children = exactBoxes(in: body)
        guard let container = children.first(where: { $0.kind == "ipco" }) else { return }
        let properties = exactBoxes(in: container.body)
        for association in children where association.kind == "ipma" {
            var cursor = Cursor(at: association.body.lowerBound, end: association.body.upperBound)
            guard let head = read(&cursor, 4), let count = read(&cursor, 4) else { return }
            let (idLength, indexLength) = (head >> 24 == 0 ? 2 : 4, head & 1 == 0 ? 1 : 2)
            for _ in 0..<min(count, Self.maxBoxes) {
                guard let id = read(&cursor, idLength), let entries = read(&cursor, 1) else { return }
                entryCount += 1
                for _ in 0..<entries {
                    guard let entry = read(&cursor, indexLength) else { return }
                    let index = entry & (indexLength == 1 ? 0x7F : 0x7FFF)
                    guard properties.indices.contains(index - 1),
                        Self.properties.contains(properties[index - 1].kind)
                    else { continue }
                    items[id, default: Item()].properties.append(properties[index - 1])
                }
            }
            if cursor.at != cursor.end { isWellFormed = false }
        }
    }

    private struct Cursor {
        var at: Int
        let end: Int
    }

    private mutating func read(_ cursor: inout Cursor, _ length: Int) -> Int? {
        guard cursor.at + length <= cursor.end, remainingReads > 0 else {
            isWellFormed = false
            return nil
        }
        remainingReads -= 1
        defer { cursor.at += length }
        return number(cursor.at, length)
    }
}
