import NIOCore

/// Follows the frames that a client of HTTP/2 sends, by their headers alone (RFC 9113, section 4.1), while their bytes pass.
///
/// Limits of the server's settings count for NIO from the client's acknowledgment on, but many clients send their first request
/// before they have seen the settings. So the acknowledgment is inserted behind the client's own settings, where none of the
/// limits forbids what a client may assume without it, and the client's own one is left out.
struct FrameScanner {
    /// What a client sends first, in bytes.
    private static let prefaceSize = 24
    private static let frameHeaderSize = 9
    /// An acknowledgment of settings.
    private static let acknowledgment: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]

    private enum Settings {
        case awaited, acknowledged, settled
    }

    private var preface = prefaceSize
    private var header: [UInt8] = []
    private var payload = 0
    private var settings = Settings.awaited
    private var headEnds = false
    /// Heads that have begun so far.
    private(set) var heads = 0
    /// Bytes of the head that has begun and is not complete, zero where there is none.
    private(set) var headBytes = 0

    /// Follows some bytes.
    /// - Returns: the bytes to pass on.
    mutating func scan(_ bytes: ByteBuffer) -> ByteBuffer {
        var rest = bytes
        guard settings != .settled else {
            scan(&rest) { _ in }
            return bytes
        }
        var passed = ByteBuffer()
        passed.reserveCapacity(rest.readableBytes + Self.frameHeaderSize)
        scan(&rest) { passed.writeImmutableBuffer($0) }
        // From now on bytes pass as they come.
        if settings == .settled { passed.writeBytes(header) }
        return passed
    }

    private mutating func scan(_ rest: inout ByteBuffer, pass: (ByteBuffer) -> Void) {
        while rest.readableBytes > 0 {
            if preface > 0 {
                preface -= passOn(preface, of: &rest, pass)
            } else if payload > 0 {
                let count = passOn(payload, of: &rest, pass)
                payload -= count
                if headBytes > 0 { headBytes += count }
                if payload == 0 { frameEnded(pass) }
            } else {
                let missing = Self.frameHeaderSize - header.count
                guard let part = rest.readBytes(length: min(missing, rest.readableBytes)) else { return }
                header += part
                guard header.count == Self.frameHeaderSize else { return }
                frameBegan(pass)
                header.removeAll(keepingCapacity: true)
                if payload == 0 { frameEnded(pass) }
            }
        }
    }

    private func passOn(_ limit: Int, of rest: inout ByteBuffer, _ pass: (ByteBuffer) -> Void) -> Int {
        guard let part = rest.readSlice(length: min(limit, rest.readableBytes)) else { return 0 }
        pass(part)
        return part.readableBytes
    }

    private mutating func frameBegan(_ pass: (ByteBuffer) -> Void) {
        payload = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
        let (type, flags) = (header[3], header[4])
        if settings == .acknowledged, type == 4, flags & 1 == 1, payload == 0 {
            settings = .settled
            return
        }
        pass(ByteBuffer(bytes: header))
        // HEADERS, PUSH_PROMISE and CONTINUATION, up to the one with END_HEADERS.
        headEnds = false
        guard type == 1 || type == 5 || type == 9 else { return }
        if headBytes == 0 { heads += 1 }
        headEnds = flags & 4 == 4
        headBytes += Self.frameHeaderSize
    }

    private mutating func frameEnded(_ pass: (ByteBuffer) -> Void) {
        if headEnds { (headBytes, headEnds) = (0, false) }
        guard settings == .awaited else { return }
        // The first frame is the client's settings; anything else is an error that NIO answers.
        settings = .acknowledged
        pass(ByteBuffer(bytes: Self.acknowledgment))
    }
}
