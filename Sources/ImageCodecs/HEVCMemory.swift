import Imaging

/// The memory that decoding a HEIF file of HEVC streams takes, from the headers of the streams that are decoded: what is cropped away, or
/// larger than the file says, is decoded all the same.
struct HEVCMemory {
    /// Largest number of bits of a sample; a sample of more than 8 takes two bytes in all images.
    let bits: Int
    private let items: [Int: HEIFItems.Item]
    private let streams: [Int: HEVCStream]
    private let file: UnsafeRawBufferPointer

    /// - Parameters:
    ///   - items: those of a file that `HEIFBudget.check` takes.
    ///   - streams: the items that are decoded.
    init(_ items: [Int: HEIFItems.Item], streams: Set<Int>, in bytes: UnsafeRawBufferPointer) {
        self.items = items
        file = bytes
        var found: [Int: HEVCStream] = [:]
        for id in streams { found[id] = items[id]?.stream(in: bytes) }
        self.streams = found
        bits = found.values.map(\.bits).max() ?? 8
    }

    /// Memory in bytes that decoding an item takes at most, in addition to the image that is made of its planes. The decoders have ended
    /// when that image begins.
    /// - Parameter image: its number of bytes.
    func bytes(of id: Int, besides image: Int) -> Int {
        let cost = cost(of: id)
        return max(cost.most - image, cost.planes)
    }

    /// What an item's image holds once it is decoded and turned, and the most that is held until then.
    private struct Cost {
        var samplesOfTwoPixels = 2
        var planes = 0
        var most = 0
    }

    private func cost(of id: Int) -> Cost {
        guard let item = items[id] else { return Cost() }
        var cost =
            switch item.kind {
            case "hvc1": streamCost(of: id, item)
            case "grid": gridCost(of: item)
            default: cost(of: item.sources.first ?? -1)
            }
        let isTurned = item.properties.contains { ["irot", "imir", "clap"].contains($0.kind) }
        guard isTurned, cost.planes > 0 else { return cost }
        // Chroma may be given the resolution of the rest, and a plane is copied while it is turned.
        let plane = cost.planes / cost.samplesOfTwoPixels * 2
        cost = Cost(
            samplesOfTwoPixels: cost.samplesOfTwoPixels == 2 ? 2 : 6,
            planes: plane * (cost.samplesOfTwoPixels == 2 ? 1 : 3),
            most: max(cost.most, plane * (cost.samplesOfTwoPixels == 2 ? 2 : 4)))
        return cost
    }

    private var sampleSize: Int { bits > 8 ? 2 : 1 }

    /// Memory for one stream: its data, again if it is stored in several extents, and once more as the decoder's units;
    /// the decoder's decoded pictures, a copy of a plane for its last filter, and its block tables; and the planes
    /// copied from it.
    private func streamCost(of id: Int, _ item: HEIFItems.Item) -> Cost {
        guard let stream = streams[id], let size = stream.size else { return Cost() }
        let area = size.width * size.height * max(stream.imageCount, 1)  // checked: within the budget
        let planes = (area * stream.samplesOfTwoPixels + 1) / 2 * sampleSize  // checked: the same
        return Cost(
            samplesOfTwoPixels: stream.samplesOfTwoPixels, planes: planes,
            most: 2 * planes + (sampleSize + 1) * area + 2 * item.byteCount)
    }

    /// The canvas and the first tile, and as many tiles as are decoded at a time.
    private func gridCost(of item: HEIFItems.Item) -> Cost {
        let tiles = Set(item.sources).map { cost(of: $0) }
        guard let layout = item.gridLayout(in: file), let largest = tiles.max(by: { $0.most < $1.most }) else {
            return Cost()
        }
        let samples = tiles.map(\.samplesOfTwoPixels).max() ?? 6
        let planes = (layout.size.area * samples + 1) / 2 * sampleSize  // checked: within the budget
        let others = min(item.sources.count - 1, HEVCPictures.maxThreads)
        let first = tiles.map(\.planes).max() ?? 0
        return Cost(
            samplesOfTwoPixels: samples, planes: planes, most: max(planes + first + others * largest.most, largest.most)
        )
    }
}
