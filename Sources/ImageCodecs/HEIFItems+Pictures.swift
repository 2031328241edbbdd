import Imaging

extension HEIFItems {
    /// The coded images that an item is made of, each once; `nil` where it is not made of HEVC streams alone, in grids or as they are.
    /// - Parameter id: an item of a file that `HEIFBudget.check` takes, which bounds how deeply and how often images are derived.
    func streams(of id: Int) -> Set<Int>? {
        guard let item = items[id], !item.isElsewhere else { return nil }
        switch item.kind {
        case "hvc1": return item.property("hvcC") != nil ? [id] : nil
        case "grid", "iden":
            guard item.kind == "grid" ? !item.sources.isEmpty : item.sources.count == 1 else { return nil }
            var found: Set<Int> = []
            for source in Set(item.sources) {
                guard let streams = streams(of: source) else { return nil }
                found.formUnion(streams)
            }
            return found
        default: return nil
        }
    }

    /// The size of an item's image after it was turned and cropped; `nil` where it does not say its size, or shows nothing.
    func shownSize(of id: Int, in bytes: UnsafeRawBufferPointer) -> ImageSize? {
        guard let item = items[id], let declared = item.declaredSize(in: bytes), declared.width > 0, declared.height > 0
        else { return nil }
        var size = ImageSize(width: declared.width, height: declared.height)
        for property in item.properties {
            if property.kind == "irot", property.quarters(in: bytes) % 2 != 0 { size = size.transposed }
            guard property.kind == "clap" else { continue }
            guard let bounds = property.aperture(in: bytes)?.bounds(width: size.width, height: size.height) else {
                return nil
            }
            size = ImageSize(width: bounds.right - bounds.left + 1, height: bounds.bottom - bounds.top + 1)
        }
        return size
    }
}

extension HEIFItems.Item {
    /// The size in the item's `ispe` property.
    func declaredSize(in bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        guard let box = property("ispe"), box.body.count >= 12 else { return nil }
        return (bytes.bigEndian(at: box.body.lowerBound + 4), bytes.bigEndian(at: box.body.lowerBound + 8))
    }

    /// The item's first property of a kind.
    func property(_ kind: String) -> HEIFItems.Box? { properties.first { $0.kind == kind } }

    /// Number of bytes of the item's data.
    var byteCount: Int { extents.reduce(0) { $0 + $1.count } }

    /// The headers of the item's HEVC stream.
    func stream(in bytes: UnsafeRawBufferPointer) -> HEVCStream {
        var stream = HEVCStream()
        if let configuration = property("hvcC") {
            stream.addConfiguration(UnsafeRawBufferPointer(rebasing: bytes[configuration.body]))
        }
        withData(in: bytes) { stream.addData($0) }
        return stream
    }

    /// The numbers of tiles and the size of a grid (ISO/IEC 23008-12, 6.6.2.3).
    func gridLayout(in bytes: UnsafeRawBufferPointer) -> (rows: Int, columns: Int, size: ImageSize)? {
        let head = head(in: bytes)
        guard head.count >= 4, head[0] == 0, let size = outputSize(in: bytes, at: 4), size.width > 0, size.height > 0
        else { return nil }
        return (Int(head[2]) + 1, Int(head[3]) + 1, ImageSize(width: size.width, height: size.height))
    }

    /// The output size of a derived image, which its data says.
    func outputSize(in bytes: UnsafeRawBufferPointer, at offset: Int) -> (width: Int, height: Int)? {
        let head = head(in: bytes)
        guard head.count >= offset + 4 else { return nil }
        func number(_ at: Int, _ length: Int) -> Int { head[at..<at + length].reduce(0) { $0 << 8 | Int($1) } }
        guard head[1] & 1 != 0 else { return (number(offset, 2), number(offset + 2, 2)) }
        return head.count >= offset + 8 ? (number(offset, 4), number(offset + 4, 4)) : nil
    }

    /// The first bytes of the item's data, as many as derived images need.
    private func head(in bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var head: [UInt8] = []
        for extent in extents where head.count < 18 { head += bytes[extent].prefix(18) }
        return head
    }

    /// Calls a function with the item's data as one piece.
    func withData(in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        if extents.count == 1 { return body(UnsafeRawBufferPointer(rebasing: bytes[extents[0]])) }
        var whole: [UInt8] = []
        whole.reserveCapacity(byteCount)
        for extent in extents { whole += bytes[extent] }
        whole.withUnsafeBytes(body)
    }
}

extension HEIFItems.Box {
    /// How many quarters of a turn to the left an `irot` property asks for.
    func quarters(in bytes: UnsafeRawBufferPointer) -> Int { body.isEmpty ? 0 : Int(bytes[body.lowerBound] & 3) }

    /// Whether an `imir` property makes left and right change places, rather than top and bottom.
    func mirrorsLeftAndRight(in bytes: UnsafeRawBufferPointer) -> Bool {
        body.isEmpty || bytes[body.lowerBound] & 1 != 0
    }

    /// What a `clap` property shows.
    func aperture(in bytes: UnsafeRawBufferPointer) -> CleanAperture? {
        guard body.count >= 32 else { return nil }
        return CleanAperture((0..<8).map { UInt32(truncatingIfNeeded: bytes.bigEndian(at: body.lowerBound + 4 * $0)) })
    }

    /// The colors that a `colr` property names by numbers; `nil` where it holds a profile.
    func signal(in bytes: UnsafeRawBufferPointer) -> ColorSignal? {
        guard body.count >= 10 else { return nil }
        let kind = String(decoding: bytes[body.lowerBound..<body.lowerBound + 4], as: UTF8.self)
        func number(_ at: Int) -> Int { Int(bytes[body.lowerBound + at]) << 8 | Int(bytes[body.lowerBound + at + 1]) }
        let matrix = number(8)
        switch kind {
        case "nclx" where body.count >= 11:
            let isFullRange = bytes[body.lowerBound + 10] & 0x80 != 0
            // One that leaves everything open is taken for none.
            guard number(4) != 2 || number(6) != 2 || matrix != 2 || !isFullRange else { return nil }
            return ColorSignal(primaries: number(4), matrix: matrix, isFullRange: isFullRange)
        case "nclc": return ColorSignal(primaries: number(4), matrix: matrix, isFullRange: matrix == 0)
        default: return nil
        }
    }
}
