import Dispatch
import Foundation
import Imaging
import Synchronization

/// The primary image of a HEIF file that is coded as HEVC, in one piece or as a grid of tiles, decoded without libheif.
///
/// Source: libheif 1.23, `libheif/image-items/` (`image_item.cc`, `grid.cc`, `iden.cc`).
struct HEVCPictures {
    /// Size in pixels after the turns that the file asks for.
    let size: ImageSize
    /// Largest number of bits of a sample.
    let bits: Int
    /// Memory in bytes that decoding takes at most, in addition to three bytes a pixel for the result.
    let workingMemory: Int
    private let items: [Int: HEIFItems.Item]
    private let bytes: UnsafeRawBufferPointer
    private let primary: Int

    /// Returns `nil` for files that hold anything else, which libheif reads.
    /// - Parameter items: those of a file that `HEIFBudget.check` takes.
    init?(_ items: HEIFItems, in bytes: UnsafeRawBufferPointer) {
        guard let primary = items.primary, let streams = items.streams(of: primary),
            let size = items.shownSize(of: primary, in: bytes)
        else { return nil }
        (self.items, self.bytes, self.primary, self.size) = (items.items, bytes, primary, size)
        let memory = HEVCMemory(items.items, streams: streams, in: bytes)
        bits = memory.bits
        workingMemory = memory.bytes(of: primary, besides: 3 * size.area)
    }

    /// Decodes the image.
    /// - Throws: `ImageCodecError`.
    func image() throws(ImageCodecError) -> RasterImage {
        if bits > 8 { return try converted(picture(of: primary, as: UInt16.self)) }
        return try converted(picture(of: primary, as: UInt8.self))
    }

    private func converted<Sample>(_ picture: PlanarPicture<Sample>) throws(ImageCodecError) -> RasterImage {
        guard picture.size == size else { throw .corrupt("its image has another size than it says") }
        guard let pixels = picture.rgb() else {
            throw .unsupported("a HEIF file with colors of a kind that cannot be read (\(picture.signal.matrix))")
        }
        return RasterImage(size: size, pixels: pixels)
    }

    /// Returns the decoded picture of an item, turned, mirrored and cropped by the item's properties in their order.
    private func picture<Sample>(of id: Int, as kind: Sample.Type) throws(ImageCodecError) -> PlanarPicture<Sample> {
        guard let item = items[id] else { throw .corrupt("an image in it is missing") }
        var picture: PlanarPicture<Sample> =
            switch item.kind {
            case "hvc1": try decoded(item)
            case "grid": try grid(item)
            default: try self.picture(of: item.sources.first ?? -1, as: kind)
            }
        if let declared = item.declaredSize(in: bytes),
            declared.width != picture.size.width || declared.height != picture.size.height
        {
            throw .corrupt("its image has another size than it says")
        }
        for property in item.properties {
            switch property.kind {
            case "irot": picture.turn(quarters: property.quarters(in: bytes))
            case "imir": picture.mirror(leftAndRight: property.mirrorsLeftAndRight(in: bytes))
            case "clap":
                guard
                    let bounds = property.aperture(in: bytes)?
                        .bounds(width: picture.size.width, height: picture.size.height)
                else { throw .corrupt("the part of it that is shown lies outside") }
                picture.crop(left: bounds.left, top: bounds.top, right: bounds.right, bottom: bounds.bottom)
            case "colr": picture.signal = property.signal(in: bytes) ?? picture.signal
            default: break
            }
        }
        return picture
    }

    private func decoded<Sample>(_ item: HEIFItems.Item) throws(ImageCodecError) -> PlanarPicture<Sample> {
        var outcome = Result<PlanarPicture<Sample>, ImageCodecError>.failure(.corrupt("an image in it has no data"))
        item.withData(in: bytes) { data in
            do throws(ImageCodecError) {
                guard let units = HEVCStream.units(ofData: data) else {
                    throw .truncated("it ends before its pixels do")
                }
                let sets = item.property("hvcC").map {
                    HEVCStream.units(ofConfiguration: UnsafeRawBufferPointer(rebasing: bytes[$0.body]))
                }
                outcome = .success(
                    try HEVCDecoder.picture(parameterSets: sets ?? [], units: units, as: Sample.self))
            } catch { outcome = .failure(error) }
        }
        return try outcome.get()
    }

    /// Assembles the decoded picture of a grid from its tiles, in rows from the top left.
    private func grid<Sample>(_ item: HEIFItems.Item) throws(ImageCodecError) -> PlanarPicture<Sample> {
        guard let layout = item.gridLayout(in: bytes), item.sources.count == layout.rows * layout.columns else {
            throw .corrupt("its number of tiles is wrong")
        }
        let first = try picture(of: item.sources[0], as: Sample.self)
        let tile = first.size
        guard tile.width * layout.columns >= layout.size.width, tile.height * layout.rows >= layout.size.height else {
            throw .corrupt("its tiles do not cover it")
        }
        var canvas = PlanarPicture(blank: layout.size, like: first)
        try canvas.paste(first, x: 0, y: 0)
        for start in stride(from: 1, to: item.sources.count, by: Self.maxThreads) {
            let batch = start..<min(start + Self.maxThreads, item.sources.count)
            for (index, result) in zip(batch, pictures(of: Array(item.sources[batch]), as: Sample.self)) {
                let found = try result.get()
                guard found.size == tile else { throw .corrupt("its tiles differ in size") }
                try canvas.paste(
                    found, x: index % layout.columns * tile.width, y: index / layout.columns * tile.height)
            }
        }
        return canvas
    }

    /// As many threads as libheif starts.
    static let maxThreads = 4

    /// Decodes several items concurrently and returns their decoded pictures.
    private func pictures<Sample>(
        of ids: [Int], as kind: Sample.Type
    ) -> [Result<PlanarPicture<Sample>, ImageCodecError>] {
        typealias Outcome = Result<PlanarPicture<Sample>, ImageCodecError>
        let outcomes = Mutex([Outcome](repeating: .failure(.corrupt("an image in it is missing")), count: ids.count))
        guard let base = bytes.baseAddress else { return outcomes.withLock { $0 } }
        // The bytes outlive the call.
        let file = Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
        DispatchQueue.concurrentPerform(iterations: ids.count) { [items, primary, size, bits, workingMemory] index in
            let outcome = file.withUnsafeBytes { bytes -> Outcome in
                let source = HEVCPictures(
                    items: items, bytes: bytes, primary: primary, size: size, bits: bits, workingMemory: workingMemory)
                do throws(ImageCodecError) {
                    return .success(try source.picture(of: ids[index], as: Sample.self))
                } catch { return .failure(error) }
            }
            outcomes.withLock { $0[index] = outcome }
        }
        return outcomes.withLock { $0 }
    }

    private init(
        items: [Int: HEIFItems.Item], bytes: UnsafeRawBufferPointer, primary: Int, size: ImageSize, bits: Int,
        workingMemory: Int
    ) {
        (self.items, self.bytes, self.primary, self.size) = (items, bytes, primary, size)
        (self.bits, self.workingMemory) = (bits, workingMemory)
    }
}

extension PlanarPicture {
    /// Zeros in all planes.
    fileprivate init(blank size: ImageSize, like other: PlanarPicture) {
        let planes = other.planes.indices.map { index in
            let size = index == 0 ? size : other.chroma.size(for: size)
            return PicturePlane<Sample>(size: size, samples: [Sample](repeating: 0, count: size.area))
        }
        self.init(planes: planes, chroma: other.chroma, bits: other.bits, signal: other.signal)
    }

    /// Copies as much of a tile as lies within the image.
    fileprivate mutating func paste(_ tile: PlanarPicture, x: Int, y: Int) throws(ImageCodecError) {
        guard tile.chroma == chroma, tile.bits == bits else { throw .corrupt("its tiles are of different kinds") }
        guard x < size.width, y < size.height else { return }
        for index in planes.indices {
            let isHalfWide = index > 0 && (chroma == .halfBoth || chroma == .halfWidth)
            let left = isHalfWide ? (x + 1) / 2 : x
            let top = index > 0 && chroma == .halfBoth ? (y + 1) / 2 : y
            planes[index].paste(tile.planes[index], x: left, y: top)
        }
    }
}

extension PicturePlane {
    fileprivate mutating func paste(_ tile: PicturePlane, x: Int, y: Int) {
        let columns = min(tile.size.width, size.width - x), rows = min(tile.size.height, size.height - y)
        guard columns > 0, rows > 0 else { return }
        samples.withUnsafeMutableBufferPointer { output in
            tile.samples.withUnsafeBufferPointer { input in
                guard let to = output.baseAddress, let from = input.baseAddress else { return }
                for row in 0..<rows {
                    (to + (y + row) * size.width + x).update(from: from + row * tile.size.width, count: columns)
                }
            }
        }
    }
}
