import NIOCore
import Synchronization

/// The client closed its connection, or its HTTP/2 stream, before it got its response.
struct ClientDisconnected: Error {}

/// Tells the work of one request that its client has gone.
final class DisconnectWatch: Sendable {
    private enum State {
        case connected(cancel: (@Sendable () -> Void)?)
        case disconnected
    }

    private let state = Mutex(State.connected(cancel: nil))

    /// Whether the client has gone.
    var isDisconnected: Bool {
        state.withLock { if case .disconnected = $0 { true } else { false } }
    }

    /// Sets what to do when the client goes; done at once when it has already gone.
    func onDisconnect(_ cancel: @escaping @Sendable () -> Void) {
        let isGone = state.withLock { state in
            if case .disconnected = state { return true }
            state = .connected(cancel: cancel)
            return false
        }
        if isGone { cancel() }
    }

    /// Notes that the client has gone.
    func disconnect() {
        let cancel = state.withLock { state -> (@Sendable () -> Void)? in
            defer { state = .disconnected }
            if case .connected(let cancel) = state { return cancel }
            return nil
        }
        cancel?()
    }
}

/// Runs the work of a request in a task that is canceled as soon as its client is gone.
///
/// A client that only finishes sending (`shutdown(SHUT_WR)`) is not gone.
/// - Throws: `ClientDisconnected` when the client has gone, whatever the work returned or threw; else the error of the work. Only
///   the work of a server that stops is canceled while its client is there.
func withCancellationOnDisconnect<Value: Sendable>(
    _ context: ServerContext, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let watch = DisconnectWatch()
    let channel = context.channel
    channel.eventLoop.execute {
        // A channel without the handler has been closed.
        guard let handler = try? channel.pipeline.syncOperations.handler(type: ExchangeHandler.self) else {
            return watch.disconnect()
        }
        handler.set(watch, isActive: channel.isActive)
    }
    let task = Task { try await work() }
    watch.onDisconnect { task.cancel() }
    let result = await withTaskCancellationHandler {
        await task.result
    } onCancel: {
        task.cancel()
    }
    switch result {
    case .success(let value):
        guard !watch.isDisconnected, channel.isActive else { throw ClientDisconnected() }
        return value
    case .failure(let error):
        guard await !isOfLostClient(error, channel, watch) else { throw ClientDisconnected() }
        throw error
    }
}

/// Whether work has failed because its client is gone.
private func isOfLostClient(_ error: any Error, _ channel: any Channel, _ watch: DisconnectWatch) async -> Bool {
    // A lost connection ends the body with an error, and one of HTTP/2 cancels the tasks of its streams, before its channels are
    // closed. All of that has happened when the event loop gets to this.
    let isCanceled = Task.isCancelled
    let state = try? await channel.eventLoop.submit { () -> (isOpen: Bool, isStopping: Bool) in
        let handler = try? channel.pipeline.syncOperations.handler(type: ExchangeHandler.self)
        let connection = handler?.connection
        return (channel.isActive && connection?.isActive ?? true, connection?.isStopping ?? false)
    }.get()
    if watch.isDisconnected || state?.isOpen == false { return true }
    return state?.isStopping == false && (isCanceled || error is IOError || error is ChannelError)
}
