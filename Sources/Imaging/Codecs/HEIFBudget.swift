/// What decoding a HEIF file costs, added up from its headers before anything is decoded.
///
/// A file of some kilobytes can ask for minutes: a grid may name one tile thousands of times, a derived image may be derived from
/// itself, and a stream may hold images that are larger, or more, than the file says.
struct HEIFBudget {
    private var pixels = 0
    private var streams = 0
    private var visits = 0
    private var byteCount = 0
    private var ownPixels: [Int: Int] = [:]

    /// A 268-megapixel photograph in tiles of 512x512 pixels has some 1,000.
    private static let maxStreams = 2048
    private static let maxDepth = 8
    private static let maxBytes = 256 << 20

    /// Reads the items of a file, for `check`. To be called before the library sees the file: the time that it takes to
    /// parse one grows with the square of their number, to a minute for a file of 760 kB.
    /// - Throws: `ImageCodecError`.
    static func items(of bytes: UnsafeRawBufferPointer) throws(ImageCodecError) -> HEIFItems {
        let items = HEIFItems(bytes)
        guard items.items.count <= maxStreams + 256, items.entryCount <= 4 * maxStreams else {
            throw .unsupported("a HEIF file of more than \(maxStreams) items")
        }
        return items
    }

    /// Checks the primary image of a file.
    /// - Throws: `ImageCodecError`.
    static func check(
        _ items: HEIFItems, in bytes: UnsafeRawBufferPointer, limits: ImageLimits
    ) throws(ImageCodecError) {
        guard items.isWellFormed else { throw .corrupt("its lists of items are malformed") }
        guard let primary = items.primary, let item = items.items[primary] else {
            throw .corrupt("its primary image cannot be found")
        }
        guard item.isImage else { throw .unsupported("a HEIF file coded as '\(item.kind)'") }
        guard let size = item.declaredSize(in: bytes) else { throw .corrupt("its primary image has no size") }
        let area = try limits.check(width: size.width, height: size.height).area
        var budget = HEIFBudget()
        // Tiles extend past the edge, and an alpha channel and other auxiliary images come on top.
        try budget.add(primary, of: items, in: bytes, maxPixels: 3 * area + (1 << 22), depth: 0)
    }

    private mutating func add(
        _ id: Int, of items: HEIFItems, in bytes: UnsafeRawBufferPointer, maxPixels: Int, depth: Int
    ) throws(ImageCodecError) {
        guard depth < Self.maxDepth else { throw .corrupt("its images are derived from one another too deeply") }
        visits += 1
        guard visits <= 4 * Self.maxStreams else {
            throw .unsupported("a HEIF file of more than \(Self.maxStreams) tiles")
        }
        // The library ends the process where an image is derived from something that is no image.
        guard let item = items.items[id], item.isImage else {
            throw .corrupt("an image is derived from an item that is not an image")
        }
        byteCount += item.extents.reduce(0) { $0 + $1.count }
        guard byteCount <= Self.maxBytes else { throw .corrupt("its tiles share their data too often") }
        if item.isCoded { streams += 1 }
        guard streams <= Self.maxStreams else {
            throw .unsupported("a HEIF file of more than \(Self.maxStreams) tiles")
        }
        if ownPixels[id] == nil { ownPixels[id] = try item.pixels(in: bytes) }
        pixels += ownPixels[id] ?? 0
        guard pixels <= maxPixels else { throw .corrupt("it holds far more pixels than it says") }
        for source in item.sources + item.auxiliaries.filter({ items.items[$0]?.isImage ?? false }) {
            try add(source, of: items, in: bytes, maxPixels: maxPixels, depth: depth + 1)
        }
    }
}

extension HEIFItems.Item {
    fileprivate var isCoded: Bool { ["hvc1", "av01"].contains(kind) }
    fileprivate var isImage: Bool { isCoded || ["grid", "iden", "iovl"].contains(kind) }

    /// The size in the item's `ispe` property.
    fileprivate func declaredSize(in bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        guard let box = properties.first(where: { $0.kind == "ispe" }), box.body.count >= 12 else { return nil }
        return (bytes.bigEndian(at: box.body.lowerBound + 4), bytes.bigEndian(at: box.body.lowerBound + 8))
    }

    /// The pixels that are held in memory for the item, its sources apart.
    fileprivate func pixels(in bytes: UnsafeRawBufferPointer) throws(ImageCodecError) -> Int {
        let (size, count) = canvas(in: bytes)
        guard let size else { return 0 }
        let sides = 0...65_535
        guard sides.contains(size.width), sides.contains(size.height) else {
            throw .corrupt("it holds an image of \(size.width)x\(size.height) pixels")
        }
        return size.width * size.height * max(count, 1)
    }

    /// The size of the image that the item's data holds, and how many times it is decoded.
    private func canvas(in bytes: UnsafeRawBufferPointer) -> (size: (width: Int, height: Int)?, count: Int) {
        switch kind {
        case "hvc1":
            var stream = HEVCStream()
            for box in properties where box.kind == "hvcC" {
                stream.addConfiguration(UnsafeRawBufferPointer(rebasing: bytes[box.body]))
            }
            withData(in: bytes) { stream.addData($0) }
            return (stream.size, stream.pictureCount)
        case "av01":
            var stream = AV1Stream()
            for box in properties where box.kind == "av1C" {
                stream.addConfiguration(UnsafeRawBufferPointer(rebasing: bytes[box.body]))
            }
            withData(in: bytes) { stream.addData($0) }
            return (stream.size, stream.frameCount)
        case "grid": return (outputSize(in: bytes, at: 4), 1)
        case "iovl": return (outputSize(in: bytes, at: 10), 1)
        default: return (nil, 0)
        }
    }

    /// The output size of a derived image, which its data says.
    private func outputSize(in bytes: UnsafeRawBufferPointer, at offset: Int) -> (width: Int, height: Int)? {
        var head: [UInt8] = []
        for extent in extents where head.count < 18 { head += bytes[extent].prefix(18) }
        guard head.count >= offset + 4 else { return nil }
        func number(_ at: Int, _ length: Int) -> Int { head[at..<at + length].reduce(0) { $0 << 8 | Int($1) } }
        guard head[1] & 1 != 0 else { return (number(offset, 2), number(offset + 2, 2)) }
        return head.count >= offset + 8 ? (number(offset, 4), number(offset + 4, 4)) : nil
    }

    /// The item's data as one piece.
    private func withData(in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        if extents.count == 1 { return body(UnsafeRawBufferPointer(rebasing: bytes[extents[0]])) }
        var whole: [UInt8] = []
        for extent in extents { whole += bytes[extent] }
        whole.withUnsafeBytes(body)
    }
}
