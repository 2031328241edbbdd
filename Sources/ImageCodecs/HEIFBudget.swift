import Imaging

/// The cost of decoding a HEIF file, added up from its headers before anything is decoded.
///
/// A file of some kilobytes can ask for minutes: a grid may name one tile thousands of times, a derived image may be derived from
/// itself, and a stream may hold images that are larger, or more, than the file says.
struct HEIFBudget {
    /// Pixels of the images that are held.
    private var pixels = 0
    /// Pixels that are gone over once more: by further slices and parameter sets, and by transformations.
    private var repeatedPixels = 0
    private var streams = 0
    private var visits = 0
    private var byteCount = 0
    private var ownCosts: [Int: (pixels: Int, repeated: Int, bytes: Int)] = [:]
    private var alphas: [Int: Bool] = [:]

    /// A 268-megapixel photograph in tiles of 512x512 pixels has some 1,000.
    private static let maxStreams = 2048
    private static let maxItems = maxStreams + 256
    private static let maxDepth = 8
    private static let maxBytes = 256 << 20
    /// Properties and auxiliary images of an item; a photograph has some ten of each.
    private static let maxAssociations = 255

    /// Reads the items of a file, for `check`. To be called before the library sees the file: the time that it takes to
    /// parse one grows with the square of their number, to a minute for a file of 760 kB.
    /// - Throws: `ImageCodecError`.
    static func items(of bytes: UnsafeRawBufferPointer) throws(ImageCodecError) -> HEIFItems {
        let items = HEIFItems(bytes)
        guard items.isWellFormed else { throw .corrupt("its lists of items are malformed") }
        guard items.items.count <= maxItems, items.entryCount <= 4 * maxItems else {
            throw .unsupported("a HEIF file of more than \(maxItems) items")
        }
        // The library copies all data that is not an image's, and the parts of an item one after the other.
        var otherBytes = 0
        for item in items.items.values {
            let count = item.byteCount
            if !item.isImage { otherBytes += count }
            guard count <= bytes.count, otherBytes <= bytes.count else {
                throw .corrupt("its items hold more data than the file")
            }
            guard max(item.properties.count, item.auxiliaries.count) <= maxAssociations else {
                throw .unsupported("a HEIF file of an item with more than \(maxAssociations) properties")
            }
        }
        return items
    }

    /// Checks the primary image of a file.
    /// - Returns: the number of pixels of all images that are decoded for it, as they are before they are cropped.
    /// - Throws: `ImageCodecError`.
    static func check(
        _ items: HEIFItems, in bytes: UnsafeRawBufferPointer, limits: ImageLimits
    ) throws(ImageCodecError) -> Int {
        guard let primary = items.primary, let item = items.items[primary] else {
            throw .corrupt("its primary image cannot be found")
        }
        guard item.isImage else { throw .unsupported("a HEIF file coded as '\(item.kind)'") }
        guard let size = item.declaredSize(in: bytes) else { throw .corrupt("its primary image has no size") }
        let area = try limits.check(width: size.width, height: size.height).area
        var budget = HEIFBudget()
        // The library turns 100 megapixels in some seconds, and decodes that many in half a second.
        let maxRepeated = max(1_000_000_000, 10 * area)
        // A grid holds its canvas and its tiles, which extend past the edge, and its alpha channel may be another such grid.
        try budget.add(primary, of: items, in: bytes, maxPixels: 5 * area + (1 << 22), depth: 0)
        guard budget.repeatedPixels <= maxRepeated else { throw .corrupt("it goes over its pixels again and again") }
        return budget.pixels
    }

    private mutating func add(
        _ id: Int, of items: HEIFItems, in bytes: UnsafeRawBufferPointer, maxPixels: Int, depth: Int
    ) throws(ImageCodecError) {
        guard depth < Self.maxDepth else { throw .corrupt("its images are derived from one another too deeply") }
        visits += 1
        guard visits <= 4 * Self.maxStreams else {
            throw .unsupported("a HEIF file of more than \(Self.maxStreams) tiles")
        }
        // libheif terminates the process if an image is derived from an item that is not an image.
        guard let item = items.items[id], item.isImage else {
            throw .corrupt("an image is derived from an item that is not an image")
        }
        if ownCosts[id] == nil {
            let own = try item.cost(in: bytes)
            ownCosts[id] = (own.pixels, own.repeated, item.byteCount)
        }
        let own = ownCosts[id] ?? (0, 0, 0)
        byteCount += own.bytes
        guard byteCount <= Self.maxBytes else { throw .corrupt("its tiles share their data too often") }
        if item.isCoded { streams += 1 }
        guard streams <= Self.maxStreams else {
            throw .unsupported("a HEIF file of more than \(Self.maxStreams) tiles")
        }
        pixels += own.pixels
        repeatedPixels += own.repeated
        guard pixels <= maxPixels else { throw .corrupt("it holds far more pixels than it says") }
        for source in item.sources {
            try add(source, of: items, in: bytes, maxPixels: maxPixels, depth: depth + 1)
        }
        for auxiliary in item.auxiliaries {
            let isAlpha = alphas[auxiliary] ?? items.items[auxiliary]?.isAlpha(in: bytes) ?? false
            alphas[auxiliary] = isAlpha
            if isAlpha { try add(auxiliary, of: items, in: bytes, maxPixels: maxPixels, depth: depth + 1) }
        }
    }
}

extension HEIFItems.Item {
    fileprivate var isCoded: Bool { ["hvc1", "av01"].contains(kind) }
    fileprivate var isImage: Bool { isCoded || ["grid", "iden", "iovl"].contains(kind) }

    /// Whether the item is an alpha channel, the only auxiliary image that is decoded together with the image that it belongs to.
    fileprivate func isAlpha(in bytes: UnsafeRawBufferPointer) -> Bool {
        isImage
            && properties.contains { box in
                box.kind == "auxC"
                    && [
                        "urn:mpeg:avc:2015:auxid:1", "urn:mpeg:hevc:2015:auxid:1",
                        "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
                    ].contains { bytes[box.body].dropFirst(4).starts(with: $0.utf8) }
            }
    }

    /// The pixels that are held in memory for the item, and those that are gone over once more, its sources apart.
    fileprivate func cost(in bytes: UnsafeRawBufferPointer) throws(ImageCodecError) -> (pixels: Int, repeated: Int) {
        let transforms = properties.filter { ["irot", "imir", "clap"].contains($0.kind) }
        guard Set(transforms.map(\.kind)).count == transforms.count else {
            throw .corrupt("an image in it is turned, mirrored or cropped more than once")
        }
        guard properties.count(where: { ["hvcC", "av1C"].contains($0.kind) }) <= 1 else {
            throw .corrupt("it says more than once how an image in it is coded")
        }
        // To turn an image takes several times as long as to copy it.
        let passes = transforms.reduce(0) { $0 + ($1.kind == "irot" ? 4 : 1) }
        let declared = declaredSize(in: bytes).map { min($0.width, Self.maxSide) * min($0.height, Self.maxSide) } ?? 0
        guard kind != "iden" else { return (0, passes * declared) }  // holds what its source holds

        let canvas = try canvas(in: bytes)
        guard let size = canvas.size else { throw .corrupt("the size of an image in it cannot be read") }
        guard (0...Self.maxSide).contains(size.width), (0...Self.maxSide).contains(size.height) else {
            throw .corrupt("it holds an image of \(size.width)x\(size.height) pixels")
        }
        let area = size.width * size.height
        return (area * max(canvas.count, 1), area * canvas.repeats + max(area, declared) * passes)
    }

    private static let maxSide = 65_535

    private static func checkUnits(_ count: Int) throws(ImageCodecError) {
        guard count <= HEVCStream.maxUnits else {
            throw .corrupt("an image in it has more than \(HEVCStream.maxUnits) units of data")
        }
    }

    /// The size of the image that the item's data holds, how many times it is decoded, and how many times more its pixels may be gone
    /// over.
    private func canvas(
        in bytes: UnsafeRawBufferPointer
    ) throws(ImageCodecError) -> (size: (width: Int, height: Int)?, count: Int, repeats: Int) {
        switch kind {
        case "hvc1":
            let stream = stream(in: bytes)
            try Self.checkUnits(stream.unitCount)
            let usualParameterSets = 4
            let repeats =
                max(stream.sliceCount - stream.imageCount, 0)
                + max(stream.parameterSetCount - usualParameterSets, 0)
            return (stream.size, stream.imageCount, repeats)
        case "av01":
            var stream = AV1Stream()
            if let configuration = property("av1C") {
                stream.addConfiguration(UnsafeRawBufferPointer(rebasing: bytes[configuration.body]))
            }
            withData(in: bytes) { stream.addData($0) }
            try Self.checkUnits(stream.unitCount)
            return (stream.frameCount > 0 ? stream.size : nil, stream.frameCount, 0)
        case "grid": return (outputSize(in: bytes, at: 4), 1, 0)
        case "iovl": return (outputSize(in: bytes, at: 10), 1, 0)
        default: return (nil, 0, 0)
        }
    }
}
