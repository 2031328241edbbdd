/// Frames of HTTP/2 as a test sends and reads them, byte by byte.
enum HTTP2TestFrames {
    /// What a client sends first: its preface and empty settings.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4)

    /// That the server's settings have been read.
    static let acknowledgment = frame(4, flags: 1)

    /// A POST request's head, in as many frames as it takes.
    /// - Parameter fields: further fields.
    static func head(
        _ stream: UInt32, path: String, fields: [(String, String)] = [], ends: Bool = true, partSize: Int = 16 << 10
    ) -> [UInt8] {
        // Fields of the static table, and others without indexing.
        var block: [UInt8] = [0x83, 0x87, 0x04] + string(path) + [0x01] + string("localhost")
        for (name, value) in fields { block += [0] + string(name) + string(value) }
        let parts = stride(from: 0, to: block.count, by: partSize).map { block[$0..<min($0 + partSize, block.count)] }
        return parts.enumerated().flatMap { i, part in
            let flags: UInt8 = (i == 0 && ends ? 1 : 0) | (i == parts.count - 1 ? 4 : 0)
            return frame(i == 0 ? 1 : 9, flags: flags, stream: stream, Array(part))
        }
    }

    static func body(_ stream: UInt32, _ bytes: [UInt8], ends: Bool = false) -> [UInt8] {
        frame(0, flags: ends ? 1 : 0, stream: stream, bytes)
    }

    static func reset(_ stream: UInt32) -> [UInt8] { frame(3, stream: stream, [0, 0, 0, 8]) }

    /// A little more room for the connection, which is activity without any request.
    static let windowUpdate = frame(8, [0, 0, 0, 1])

    static let ping = frame(6, Array(1...8))

    /// A frame of any kind.
    static func frame(
        _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []
    ) -> [UInt8] {
        let (length, id) = (payload.count, stream.bigEndian)
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
            + withUnsafeBytes(of: id) { Array($0) } + payload
    }

    private static func string(_ text: String) -> [UInt8] {
        var count = text.utf8.count
        guard count >= 127 else { return [UInt8(count)] + Array(text.utf8) }
        var length: [UInt8] = [127]
        count -= 127
        while count >= 128 {
            length.append(UInt8(count & 127) | 128)
            count >>= 7
        }
        return length + [UInt8(count)] + Array(text.utf8)
    }

    // MARK: Answers

    /// A frame that the server sent.
    struct Received {
        let type: UInt8
        let flags: UInt8
        let stream: Int
        let payload: ArraySlice<UInt8>
        /// The error code of RST_STREAM and GOAWAY.
        var code: UInt8? { type == 3 || type == 7 ? payload.dropFirst(type == 7 ? 7 : 3).first : nil }
        var endsStream: Bool { type <= 1 && flags & 1 == 1 }
    }

    /// The complete frames of what a server sent.
    static func received(_ bytes: [UInt8]) -> [Received] {
        var (frames, rest): ([Received], ArraySlice<UInt8>) = ([], bytes[...])
        while rest.count >= 9 {
            let header = Array(rest.prefix(9))
            let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
            guard rest.count >= 9 + length else { break }
            let stream = header[5...8].reduce(0) { $0 << 8 | Int($1) }
            frames.append(
                Received(type: header[3], flags: header[4], stream: stream, payload: rest.dropFirst(9).prefix(length)))
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }
}

extension TestConnection {
    /// The frames that the server has sent.
    var frames: [HTTP2TestFrames.Received] { HTTP2TestFrames.received(bytes) }

    /// The body of a stream's answer, once it is complete.
    func answer(_ stream: Int) -> String? {
        let frames = frames.filter { $0.stream == stream }
        guard frames.contains(where: \.endsStream) else { return nil }
        return String(decoding: frames.filter { $0.type == 0 }.flatMap(\.payload), as: UTF8.self)
    }

    /// The code with which the server has reset a stream.
    func resetCode(_ stream: Int) -> UInt8? { frames.first { $0.type == 3 && $0.stream == stream }?.code }

    /// The code with which the server takes no more streams.
    var goAwayCode: UInt8? { frames.first { $0.type == 7 }?.code }
}
