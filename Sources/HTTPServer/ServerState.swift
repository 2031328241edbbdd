import Synchronization

/// Whether the server answers predictions.
final class ServerState: Sendable {
    private let hasStarted = Atomic(false)
    private let (listening, listeningSource) = AsyncStream.makeStream(
        of: Int.self, bufferingPolicy: .bufferingNewest(1))

    var isReady: Bool { hasStarted.load(ordering: .acquiring) }

    func becomeReady() { hasStarted.store(true, ordering: .releasing) }

    /// Records that connections are accepted.
    func isListening(on port: Int) {
        listeningSource.yield(port)
        listeningSource.finish()
    }

    /// The port, once connections are accepted; `nil` where waiting for it was canceled.
    func listeningPort() async -> Int? {
        await listening.first { _ in true }
    }
}
