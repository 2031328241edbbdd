import Foundation
import GRDB
import InstanceSegmentation

/// Repeats database work that a lock of another process prevents.
///
/// SQLite's own busy handler sleeps on the thread of the connection, so that everything else that needs the connection
/// waits as well. Here the connection is free between two attempts, and a suspended caller can be canceled.
struct BusyRetry: Sendable {
    /// How long an operation is repeated before it fails.
    let timeout: Duration

    /// Runs an operation, repeating it while the database is locked.
    /// - Throws: `KeyStoreError.busy` after `timeout`, `KeyStoreError.full`, `CancellationError`, or an error of the
    ///   operation.
    func run<Result: Sendable>(_ operation: @Sendable () async throws -> Result) async throws -> Result {
        var pauses = Pauses(timeout: timeout)
        while true {
            do {
                return try await operation()
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                try await Task.sleep(for: try pauses.next())
            } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
                throw KeyStoreError.full
            }
        }
    }

    /// Runs an operation like `run`, blocking the calling thread between attempts.
    /// - Throws: `KeyStoreError.busy` after `timeout`, `KeyStoreError.full`, or an error of the operation.
    func runBlocking<Result>(_ operation: () throws -> Result) throws -> Result {
        var pauses = Pauses(timeout: timeout)
        while true {
            do {
                return try operation()
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                Thread.sleep(forTimeInterval: try pauses.next().seconds)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
                throw KeyStoreError.full
            }
        }
    }

    /// The pauses between attempts: 2 ms at first, doubling up to 32 ms.
    private struct Pauses {
        private let end: ContinuousClock.Instant
        private var pause = Duration.milliseconds(2)

        init(timeout: Duration) {
            end = .now + timeout
        }

        mutating func next() throws(KeyStoreError) -> Duration {
            let rest = end - .now
            guard rest > .zero else { throw .busy }
            defer { pause = min(pause * 2, .milliseconds(32)) }
            return min(pause, rest)
        }
    }
}
