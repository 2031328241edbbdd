import CImageCodecs

extension CodecMessage {
    /// What the library said.
    var description: String {
        let found = withUnsafeBytes(of: text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return found.isEmpty ? "it cannot be read" : found
    }
}

extension ImageCodecError {
    /// The error for a call to a C library that did not end well.
    init(_ status: CodecStatus, _ message: CodecMessage, format: String) {
        switch status {
        case CODEC_TRUNCATED: self = .truncated(message.description)
        case CODEC_UNSUPPORTED:
            self = .unsupported("a \(format) file of a kind that cannot be read (\(message.description))")
        case CODEC_OTHER_SIZE: self = .corrupt("its size is not the one that its header says")
        case CODEC_NO_MEMORY: self = .outOfMemory
        default: self = .corrupt(message.description)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes for a C function.
    var bytePointer: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UInt8 {
    /// A color of printed paper, of 0...255: the paper's light that black ink leaves, less what another ink takes of it.
    ///
    /// Source: Pillow, `src/libImaging/Convert.c`, `cmyk2rgb`.
    @inline(__always)
    static func inked(light: Int32, ink: Int32) -> UInt8 {
        let product = ink &* light &+ 128
        return UInt8(clamping: light &- ((product &>> 8 &+ product) &>> 8))
    }
}
