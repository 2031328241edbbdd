/// The cost of decoding an AV1 stream, read from its headers alone (AV1 Bitstream & Decoding Process Specification, 5.3 to 5.5).
struct AV1Stream {
    /// Largest width and height that its frames can have.
    private(set) var size: (width: Int, height: Int)?
    /// Number of coded frames, displayed or not.
    private(set) var frameCount = 0
    /// Number of units of any kind; reading ends after one more than `HEVCStream.maxUnits`.
    private(set) var unitCount = 0
    private var sequence: Sequence?

    /// Reads the units of an `av1C` box, which follow four bytes of profile and level.
    mutating func addConfiguration(_ body: UnsafeRawBufferPointer) {
        guard body.count > 4 else { return }
        addData(UnsafeRawBufferPointer(rebasing: body[4...]))
    }

    /// Reads a sequence of open bitstream units.
    mutating func addData(_ data: UnsafeRawBufferPointer) {
        var at = 0
        while at < data.count, unitCount <= HEVCStream.maxUnits {
            unitCount += 1
            let head = data[at]
            at += head & 4 != 0 ? 2 : 1
            var length = data.count - at
            if head & 2 != 0 {
                guard let (value, byteCount) = Self.leb128(data, at), value <= data.count - at - byteCount else {
                    return
                }
                length = value
                at += byteCount
            }
            guard length >= 0, at + length <= data.count else { return }
            switch head >> 3 & 0xF {
            case 1:
                guard let found = Self.sequence(Array(data[at..<at + min(length, 1024)])) else { break }
                sequence = found
                add((found.width, found.height))
            case 3, 6, 7:  // a redundant header counts too: with none before it, a decoder takes it for the first
                frameCount += 1
                if let sequence { add(Self.size(ofFrame: Array(data[at..<at + min(length, 64)]), sequence)) }
            default: break
            }
            at += length
        }
    }

    private mutating func add(_ found: (width: Int, height: Int)) {
        size = (max(size?.width ?? 0, found.width), max(size?.height ?? 0, found.height))
    }

    private static func leb128(_ data: UnsafeRawBufferPointer, _ start: Int) -> (value: Int, byteCount: Int)? {
        var value = 0
        for i in 0..<8 {
            guard start + i < data.count else { return nil }
            value |= Int(data[start + i] & 0x7F) << (7 * i)
            if data[start + i] & 0x80 == 0 { return (value, i + 1) }
        }
        return nil
    }

    /// Reads a sequence header (5.5.1) as far as frame headers depend on it.
    private static func sequence(_ bytes: [UInt8]) -> Sequence? {
        var reader = BitReader(bytes)
        var sequence = Sequence()
        reader.skip(4)  // profile, still image
        sequence.isReduced = reader.bits(1) == 1
        if sequence.isReduced {
            reader.skip(5)
        } else {
            readOperatingPoints(&reader, &sequence)
        }
        sequence.widthBits = reader.bits(4) + 1
        sequence.heightBits = reader.bits(4) + 1
        sequence.width = reader.bits(sequence.widthBits) + 1
        sequence.height = reader.bits(sequence.heightBits) + 1
        if !sequence.isReduced {
            if reader.bits(1) == 1 {  // frame numbers
                let deltaBits = reader.bits(4) + 2
                sequence.frameNumberBits = reader.bits(3) + deltaBits + 1
            }
            reader.skip(3 + 4)  // superblocks and filters; compound tools
            if reader.bits(1) == 1 { reader.skip(2) }  // order hints
            sequence.choosesScreenContent = reader.bits(1) == 1
            sequence.hasScreenContent = sequence.choosesScreenContent || reader.bits(1) == 1
            if sequence.hasScreenContent {
                sequence.choosesIntegerVectors = reader.bits(1) == 1
                if !sequence.choosesIntegerVectors { reader.skip(1) }
            }
        }
        return reader.isExhausted ? nil : sequence
    }

    private static func readOperatingPoints(_ reader: inout BitReader, _ sequence: inout Sequence) {
        var delayBits: Int?
        if reader.bits(1) == 1 {  // timing information
            reader.skip(64)
            let hasEqualIntervals = reader.bits(1) == 1
            if hasEqualIntervals { _ = reader.expGolomb() }
            if reader.bits(1) == 1 {  // decoder model
                delayBits = reader.bits(5) + 1
                reader.skip(37)
                let presentationBits = reader.bits(5) + 1
                if !hasEqualIntervals { sequence.presentationTimeBits = presentationBits }
            }
        }
        let hasDisplayDelay = reader.bits(1) == 1
        for _ in 0...reader.bits(5) {
            reader.skip(12)
            if reader.bits(5) > 7 { reader.skip(1) }
            if let delayBits, reader.bits(1) == 1 { reader.skip(2 * delayBits + 1) }
            if hasDisplayDelay, reader.bits(1) == 1 { reader.skip(4) }
        }
    }

    /// The largest size that a frame can have (5.9.2): that of the sequence, or any that its numbers hold where it has one of its own.
    private static func size(ofFrame bytes: [UInt8], _ sequence: Sequence) -> (width: Int, height: Int) {
        let usual = (sequence.width, sequence.height), largest = (1 << sequence.widthBits, 1 << sequence.heightBits)
        guard !sequence.isReduced else { return usual }
        var reader = BitReader(bytes)
        guard reader.bits(1) == 0 else { return usual }  // shows an earlier frame
        let (kind, isShown) = (reader.bits(2), reader.bits(1) == 1)
        let (keyFrame, switchFrame) = (0, 3)
        if isShown { reader.skip(sequence.presentationTimeBits) } else { reader.skip(1) }
        if kind != switchFrame, kind != keyFrame || !isShown { reader.skip(1) }  // error resilience
        reader.skip(1)
        let usesScreenContent = sequence.choosesScreenContent ? reader.bits(1) == 1 : sequence.hasScreenContent
        if usesScreenContent, sequence.choosesIntegerVectors { reader.skip(1) }
        reader.skip(sequence.frameNumberBits)
        return kind == switchFrame || reader.bits(1) == 1 || reader.isExhausted ? largest : usual
    }

    /// What a sequence header says.
    private struct Sequence {
        var isReduced = false
        var width = 0
        var height = 0
        var widthBits = 0
        var heightBits = 0
        var frameNumberBits = 0
        var presentationTimeBits = 0
        var choosesScreenContent = false
        var hasScreenContent = false
        var choosesIntegerVectors = false
    }
}
