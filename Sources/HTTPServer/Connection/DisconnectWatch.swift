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
/// - Throws: `ClientDisconnected` when the client has gone, whatever the work returned or threw; else the error of the work.
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
    // A lost HTTP/2 connection cancels the work before its streams are closed one by one.
    if watch.isDisconnected || !channel.isActive { throw ClientDisconnected() }
    return try result.get()
}
