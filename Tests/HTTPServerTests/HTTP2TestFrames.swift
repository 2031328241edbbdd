/// Frames of HTTP/2 as a test sends them, byte by byte.
enum HTTP2TestFrames {
    /// What a client sends first: its preface and empty settings.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4)

    /// A POST request's head.
    static func head(_ stream: UInt32, path: String, ends: Bool = true) -> [UInt8] {
        // Fields of the static table, and two without indexing.
        let block: [UInt8] =
            [0x83, 0x87, 0x04, UInt8(path.utf8.count)] + Array(path.utf8) + [0x01, 9] + Array("localhost".utf8)
        return frame(1, flags: ends ? 5 : 4, stream: stream, block)
    }

    static func body(_ stream: UInt32, _ bytes: [UInt8], ends: Bool = false) -> [UInt8] {
        frame(0, flags: ends ? 1 : 0, stream: stream, bytes)
    }

    static func reset(_ stream: UInt32) -> [UInt8] { frame(3, stream: stream, [0, 0, 0, 8]) }

    /// A little more room for the connection, which is activity without any request.
    static let windowUpdate = frame(8, [0, 0, 0, 1])

    private static func frame(
        _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []
    ) -> [UInt8] {
        let (length, id) = (payload.count, stream.bigEndian)
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
            + withUnsafeBytes(of: id) { Array($0) } + payload
    }
}
