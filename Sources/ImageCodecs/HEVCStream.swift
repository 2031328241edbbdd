/// The cost of decoding an HEVC stream, read from its headers alone (ITU-T H.265, 7.3).
struct HEVCStream {
    /// Largest coded width and height of its sequence parameter sets.
    private(set) var size: (width: Int, height: Int)?
    /// Number of coded pictures.
    private(set) var imageCount = 0
    /// Number of slices, each of which may cover an entire coded picture.
    private(set) var sliceCount = 0
    /// Number of units of any kind, each of which a decoder keeps until it is read.
    private(set) var unitCount = 0
    /// Number of parameter sets, each of which may make a decoder build tables of the image's size.
    private(set) var parameterSetCount = 0

    /// Largest number of bits of a sample of its sequence parameter sets.
    private(set) var bits = 8
    /// Largest number of samples that its sequence parameter sets have for two pixels: 2 for gray, 3, 4 or 6.
    private(set) var samplesOfTwoPixels = 2

    /// Number of units that an image can have at most: some hundred slices are usual for the largest.
    static let maxUnits = 1 << 16

    /// Reads the parameter sets of an `hvcC` box.
    mutating func addConfiguration(_ body: UnsafeRawBufferPointer) {
        Self.forEachUnit(ofConfiguration: body) { addUnit($0) }
    }

    /// Reads the units of an item's data, as far as they are whole.
    mutating func addData(_ data: UnsafeRawBufferPointer) {
        Self.forEachUnit(ofData: data) { addUnit($0) }
    }

    /// The parameter sets of an `hvcC` box, as far as they are whole.
    static func units(ofConfiguration body: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        var units: [UnsafeRawBufferPointer] = []
        forEachUnit(ofConfiguration: body) { if !$0.isEmpty { units.append($0) } }
        return units
    }

    /// Visits the parameter sets of an `hvcC` box (ISO/IEC 14496-15, 8.3.3), as far as they are whole.
    private static func forEachUnit(
        ofConfiguration body: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) -> Void
    ) {
        guard body.count > 23 else { return }
        var at = 23
        for _ in 0..<body[22] {
            guard at + 3 <= body.count else { return }
            let count = Int(body[at + 1]) << 8 | Int(body[at + 2])
            at += 3
            for _ in 0..<count {
                guard at + 2 <= body.count else { return }
                let length = Int(body[at]) << 8 | Int(body[at + 1])
                guard length <= body.count - at - 2 else { return }
                visit(UnsafeRawBufferPointer(rebasing: body[at + 2..<at + 2 + length]))
                at += 2 + length
            }
        }
    }

    /// The units of an item's data that hold anything; `nil` where the last one is not whole.
    static func units(ofData data: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer]? {
        var units: [UnsafeRawBufferPointer] = []
        return forEachUnit(ofData: data, { if !$0.isEmpty { units.append($0) } }) ? units : nil
    }

    /// Visits the units of an item's data, each with its length in four bytes before it. Returns whether the data ends with a whole one.
    @discardableResult
    private static func forEachUnit(
        ofData data: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        var at = 0
        while at + 4 <= data.count {
            let length = data.bigEndian(at: at)
            guard length <= data.count - at - 4 else { return false }
            visit(UnsafeRawBufferPointer(rebasing: data[at + 4..<at + 4 + length]))
            at += 4 + length
        }
        return at == data.count
    }

    private mutating func addUnit(_ unit: UnsafeRawBufferPointer) {
        unitCount += 1
        guard unit.count > 2 else { return }
        let kind = unit[0] >> 1 & 0x3F
        switch kind {
        case 0...31:  // a slice; its first bit says whether it begins a coded picture
            sliceCount += 1
            if unit[2] & 0x80 != 0 { imageCount += 1 }
        case 32, 34: parameterSetCount += 1
        case 33:
            parameterSetCount += 1
            guard let found = Self.codedSize(ofParameterSet: unit) else { return }
            size = (max(size?.width ?? 0, found.width), max(size?.height ?? 0, found.height))
            bits = max(bits, found.bits)
            samplesOfTwoPixels = max(samplesOfTwoPixels, found.samplesOfTwoPixels)
        default: break
        }
    }

    /// Width, height, bits of a sample and samples of two pixels of a sequence parameter set (7.3.2.2).
    private static func codedSize(
        ofParameterSet unit: UnsafeRawBufferPointer
    ) -> (width: Int, height: Int, bits: Int, samplesOfTwoPixels: Int)? {
        // Only the beginning is of interest; of two zero bytes and a 3 the 3 is no part of the content.
        var bytes: [UInt8] = []
        for (i, byte) in unit.enumerated().prefix(256).dropFirst(2) {
            if byte == 3, i >= 4, unit[i - 1] == 0, unit[i - 2] == 0 { continue }
            bytes.append(byte)
        }
        var reader = BitReader(bytes)
        reader.skip(4)
        let subLayers = reader.bits(3)
        reader.skip(1 + 96)  // nesting, general profile and level
        if subLayers > 0 {
            let present = (0..<8).map { _ in (profile: reader.bits(1), level: reader.bits(1)) }
            for each in present.prefix(subLayers) { reader.skip(88 * each.profile + 8 * each.level) }
        }
        _ = reader.expGolomb()
        let chroma = reader.expGolomb()
        if chroma == 3 { reader.skip(1) }
        let (width, height) = (reader.expGolomb(), reader.expGolomb())
        guard !reader.isExhausted else { return nil }
        if reader.bits(1) == 1 { for _ in 0..<4 { _ = reader.expGolomb() } }
        let bits = 8 + max(reader.expGolomb(), reader.expGolomb())
        return (width, height, bits, chroma < 3 ? chroma + 2 : 6)
    }
}
