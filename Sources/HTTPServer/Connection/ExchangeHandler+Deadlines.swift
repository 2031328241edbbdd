import NIOCore

/// The deadlines of request bodies.
extension ExchangeHandler {
    /// Starts the deadline and the minimum rate of a body that is going to be read.
    func startPace(_ context: ChannelHandlerContext) {
        guard let connection, let exchange, !exchange.isReceived, !exchange.isAnswered else { return }
        let limits = connection.limits
        let pace = BodyPace(limits: limits, bytes: exchange.bytes, isReading: isReading, now: .now())
        bodyDeadline.start(pace, on: context.eventLoop) {
            self.endsWithAnswer = true
            connection.count(.body)
            context.fireErrorCaught(BodyTimeoutError(timeout: limits.bodyTimeout, minRate: limits.minBodyRate))
        }
    }

    /// The rest of a body whose request has been answered has as much time as a body, and must come as fast.
    func limitRest(_ context: ChannelHandlerContext) {
        guard let connection else { return }
        bodyDeadline.stop()
        let pace = BodyPace(limits: connection.limits, bytes: 0, isReading: isReading, now: .now())
        bodyDeadline.start(pace, on: context.eventLoop) {
            connection.count(.body)
            self.end(context)
        }
    }
}
