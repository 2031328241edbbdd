/// The cost of decoding an AV1 stream, read from its headers alone (AV1 Bitstream & Decoding Process Specification, 5.3 to 5.5).
struct AV1Stream {
    /// Largest width and height of its sequence headers.
    private(set) var size: (width: Int, height: Int)?
    /// Number of coded frames, displayed or not.
    private(set) var frameCount = 0

    /// Reads the units of an `av1C` box, which follow four bytes of profile and level.
    mutating func addConfiguration(_ body: UnsafeRawBufferPointer) {
        guard body.count > 4 else { return }
        addData(UnsafeRawBufferPointer(rebasing: body[4...]))
    }

    /// Reads a sequence of open bitstream units.
    mutating func addData(_ data: UnsafeRawBufferPointer) {
        var at = 0
        while at < data.count {
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
                let found = Self.frameSize(ofSequenceHeader: Array(data[at..<at + min(length, 1024)]))
                if let found { size = (max(size?.width ?? 0, found.width), max(size?.height ?? 0, found.height)) }
            case 3, 6: frameCount += 1
            default: break
            }
            at += length
        }
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

    /// The largest frame that a sequence header allows (5.5.1).
    private static func frameSize(ofSequenceHeader bytes: [UInt8]) -> (width: Int, height: Int)? {
        var reader = BitReader(bytes)
        reader.skip(4)  // profile, still picture
        if reader.bits(1) == 1 {  // reduced header
            reader.skip(5)
        } else {
            skipOperatingPoints(&reader)
        }
        let (widthBits, heightBits) = (reader.bits(4) + 1, reader.bits(4) + 1)
        let (width, height) = (reader.bits(widthBits) + 1, reader.bits(heightBits) + 1)
        return reader.isExhausted ? nil : (width, height)
    }

    private static func skipOperatingPoints(_ reader: inout BitReader) {
        var delayBits: Int?
        if reader.bits(1) == 1 {  // timing information
            reader.skip(64)
            if reader.bits(1) == 1 { _ = reader.expGolomb() }
            if reader.bits(1) == 1 {  // decoder model
                delayBits = reader.bits(5) + 1
                reader.skip(42)
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
}
