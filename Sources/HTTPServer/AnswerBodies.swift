import Foundation
import Hummingbird
import NIOCore
import Serving

/// Makes the bodies of answers, whose memory is accounted for until the client has read them.
struct AnswerBodies: Sendable {
    let memory: AnswerMemory

    /// Bytes up to which an answer is handed to the connection as a whole. A connection holds no more than one such answer.
    static let maxWhole = 32 << 10
    /// The same for a stream of HTTP/2, of which a connection has many.
    static let maxWholeOfStream = 1 << 10
    /// Bytes of a part of a larger answer. The next part is handed over when the client has taken most of the one before.
    static let partSize = 32 << 10

    /// Makes an answer of a value in JSON.
    /// - Throws: `SchedulerError.memoryExhausted` while there is no room for further answers.
    func json(_ value: some Encodable, _ grant: Grant?, _ context: ServerContext) throws -> Response {
        try memory.requireRoom()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var response = Response.json([])
        response.body = body([UInt8](try encoder.encode(value)), owner: context.owner(grant), context.channel)
        return response
    }

    /// Makes a body.
    /// - Parameters:
    ///   - owner: whom the memory is accounted to.
    ///   - channel: what is closed when the client does not read the answer and others need its memory.
    func body(_ bytes: [UInt8], owner: String?, _ channel: any Channel) -> ResponseBody {
        // The parent of a connection listens; that of a stream is a connection.
        let maxWhole = channel.parent?.parent == nil ? Self.maxWhole : Self.maxWholeOfStream
        guard bytes.count > maxWhole else { return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)) }
        let lease = memory.hold(bytes.count, owner: owner) { channel.close(promise: nil) }
        return ResponseBody(contentLength: bytes.count) { writer in
            defer { lease.release() }
            for start in stride(from: 0, to: bytes.count, by: Self.partSize) {
                // A copy, so that a part that waits in the connection does not keep the whole answer.
                let part = bytes[start..<min(start + Self.partSize, bytes.count)]
                try await writer.write(ByteBuffer(bytes: part))
            }
            try await writer.finish(nil)
        }
    }
}
