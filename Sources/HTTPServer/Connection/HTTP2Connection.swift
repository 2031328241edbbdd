import NIOCore
import NIOHTTP2

/// Ends an HTTP/2 connection as its streams allow: it is told first that no new ones are taken (GOAWAY), and closed when those
/// that are open have ended. Errors of one stream leave the others alone.
final class HTTP2Connection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// Streams that the server may reset on one connection before it takes no more.
    static let maxResets = 20
    /// Bytes of a body that a client may send before the server asks for more (RFC 9113, section 6.9.2). NIO keeps them for each stream.
    static let windowSize = 65_535

    private let connection: ConnectionGuard
    private var context: ChannelHandlerContext?
    private var streams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var resets = 0
    /// Streams whose clients may fill their windows.
    private var windows = 0
    private var isLeaving = false
    /// The reason of a farewell of this handler that NIO has not written yet.
    private var goodbye: HTTP2ErrorCode?
    /// Whether NIO has said that the connection cannot go on.
    private var hasFailed = false

    init(_ connection: ConnectionGuard) {
        self.connection = connection
    }

    /// Takes no more streams, and closes the connection when those that are open have ended.
    func leave(_ reason: HTTP2ErrorCode = .noError) {
        guard let context, !isLeaving else { return }
        isLeaving = true
        sayGoodbye(reason, context)
        if streams == 0 { connection.finish() }
    }

    /// Tells the client why the connection is about to be closed.
    func sayGoodbye(_ reason: HTTP2ErrorCode) {
        guard let context, !isLeaving else { return }
        isLeaving = true
        sayGoodbye(reason, context)
    }

    /// Notes a stream that the server has reset for what its client did.
    func streamWasReset() {
        resets += 1
        if resets > Self.maxResets { leave(.enhanceYourCalm) }
    }

    /// Admits a stream with a body. The window of one is free for every connection; those of others count.
    /// - Returns: whether there is memory for it.
    func openWindow() -> Bool {
        guard windows == 0 || connection.registry.drawWindow(Self.windowSize) else { return false }
        windows += 1
        return true
    }

    /// Notes that such a stream has ended.
    func closeWindow() {
        windows -= 1
        if windows > 0 { connection.registry.returnWindow(Self.windowSize) }
    }

    private func sayGoodbye(_ reason: HTTP2ErrorCode, _ context: ChannelHandlerContext) {
        guard context.channel.isActive, !hasFailed else { return }
        goodbye = reason
        let frame = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: lastStream, errorCode: reason, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.speaksHTTP2(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: leave()
        case ChannelEvent.inputClosed:
            sayGoodbye(.noError)
            context.close(promise: nil)
            connection.finish(hasFailed: true)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of a stream has been answered by its reset. Others are those of NIO after a GOAWAY, and those of TLS.
        let isOfStream = error is NIOHTTP2Errors.StreamError || error is any NIOHTTP2Error
        guard !isOfStream || hasFailed || error is NIOHTTP2Errors.UnableToSerializeFrame else { return }
        isLeaving = true
        context.close(promise: nil)
        connection.finish(hasFailed: true)
    }

    private func wroteGoAway(_ code: HTTP2ErrorCode) {
        if goodbye == code { goodbye = nil } else { hasFailed = true }
    }

    private func streamCreated(_ id: HTTP2StreamID) {
        streams += 1
        lastStream = max(lastStream, id)
    }

    private func streamClosed() {
        streams -= 1
        if isLeaving, streams == 0 { connection.finish() }
    }
}

extension HTTP2Connection {
    /// Passes on what NIO tells of streams and frames.
    struct Delegate: NIOHTTP2StreamDelegate, NIOHTTP2FrameDelegate {
        private let connection: NIOLoopBound<HTTP2Connection>

        init(_ connection: HTTP2Connection, eventLoop: any EventLoop) {
            self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
        }

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
            connection.value.streamCreated(id)
        }

        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
            connection.value.streamClosed()
        }

        func wroteFrame(_ frame: HTTP2Frame) {
            if case .goAway(_, let code, _) = frame.payload { connection.value.wroteGoAway(code) }
        }
    }
}
