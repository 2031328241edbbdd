import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import HTTPServer
@testable import Serving

/// What happens while another process holds the lock of the key store.
@Suite(.timeLimit(.minutes(1))) struct KeyStoreLockTests {
    /// A connection like that of another process, which holds the lock for writing until it is released.
    private struct Lock {
        private let connection: DatabaseQueue

        init(_ folder: URL, _ kind: String) throws {
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            connection = try DatabaseQueue(
                path: folder.appending(path: "silhouette.sqlite").path, configuration: configuration)
            try connection.writeWithoutTransaction { try $0.execute(sql: "BEGIN \(kind)") }
        }

        func release() throws {
            try connection.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        }
    }

    private func store(_ folder: URL, busyTimeout: Duration = .seconds(1), maxWaitingWriters: Int = 64) throws
        -> KeyStore
    {
        try KeyStore(folder: folder, busyTimeout: busyTimeout, maxWaitingWriters: maxWaitingWriters)
    }

    @Test(arguments: ["IMMEDIATE", "EXCLUSIVE"])
    func keysAreReadWhileTheDatabaseIsLocked(kind: String) async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try store(folder)
        let made = try store.create(name: "test", limits: .init(quota: 3))
        let lock = try Lock(folder, kind)
        for _ in 0..<100 { #expect(try await store.authenticate(made.secret)?.id == made.key.id) }
        #expect(try store.keys().count == 1)
        // A server can also be started: what it needs is there already.
        let second = try KeyStore(folder: folder)
        #expect(try await second.authenticate(made.secret)?.id == made.key.id)
        try lock.release()
    }

    @Test(arguments: ["IMMEDIATE", "EXCLUSIVE"])
    func consumingQuotaFailsSoonAndSpendsNothing(kind: String) async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try store(folder, busyTimeout: .milliseconds(300))
        let id = try store.create(name: "test", limits: .init(quota: 100)).key.id
        let lock = try Lock(folder, kind)
        let start = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    await #expect(throws: KeyStoreError.busy) { try await store.consumeQuota(id: id) }
                }
            }
        }
        // Not one after another.
        #expect(ContinuousClock.now - start < .seconds(3))
        try lock.release()
        #expect(try await store.consumeQuota(id: id))
        #expect(try store.keys().map(\.used) == [1])
    }

    @Test func aLockThatIsReleasedInTimeIsWaitedFor() async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try store(folder, busyTimeout: .seconds(20))
        let id = try store.create(name: "test", limits: .init(quota: 100)).key.id
        let lock = try Lock(folder, "EXCLUSIVE")
        async let isAllowed = store.consumeQuota(id: id, count: 5)
        try await Task.sleep(for: .milliseconds(100))
        try lock.release()
        #expect(try await isAllowed)
        #expect(try store.keys().map(\.used) == [5])
    }

    @Test func aBoundedNumberOfWritersWaits() async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try store(folder, busyTimeout: .seconds(20), maxWaitingWriters: 2)
        let id = try store.create(name: "test", limits: .init(quota: 100)).key.id
        let lock = try Lock(folder, "EXCLUSIVE")
        let waiting = (0..<2).map { _ in Task { try await store.consumeQuota(id: id) } }
        while store.waitingWriterCount < 2 { try await Task.sleep(for: .milliseconds(5)) }
        let start = ContinuousClock.now
        await #expect(throws: KeyStoreError.busy) { try await store.consumeQuota(id: id) }
        #expect(ContinuousClock.now - start < .seconds(10))
        try lock.release()
        for each in waiting { #expect(try await each.value) }
        #expect(store.waitingWriterCount == 0)
        #expect(try store.keys().map(\.used) == [2])
    }

    @Test func aWriterThatWaitsCanBeCanceled() async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try store(folder, busyTimeout: .seconds(30))
        let id = try store.create(name: "test", limits: .init(quota: 100)).key.id
        let lock = try Lock(folder, "EXCLUSIVE")
        let waiting = Task { try await store.consumeQuota(id: id) }
        while store.waitingWriterCount < 1 { try await Task.sleep(for: .milliseconds(5)) }
        let start = ContinuousClock.now
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(ContinuousClock.now - start < .seconds(10))
        try lock.release()
        #expect(try store.keys().map(\.used) == [0])
    }

    @Test func clientsAreToldOfAFullDisk() {
        let answer = ErrorResponse(KeyStoreError.full)
        #expect(answer.status == .serviceUnavailable && answer.headers[.retryAfter] == "30")
        #expect(answer.label == "key_store_full" && !answer.isFault)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("disk is full"))
    }

    @Test func clientsAreToldToTryAgain() async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try store(folder, busyTimeout: .milliseconds(50))
        let limited = try store.create(name: "limited", limits: .init(quota: 100)).secret
        let unlimited = try store.create(name: "unlimited").secret
        try await TestServer.whenReady(try await TestServer.application(access: .keys(store))) { client in
            let lock = try Lock(folder, "EXCLUSIVE")
            let refused = try await client.execute(
                uri: "/m/1?api_key=\(limited)", method: .post, body: TestServer.base64)
            #expect(refused.status == .serviceUnavailable && refused.headers[.retryAfter] == "1")
            #expect(String(buffer: refused.body).contains("key store"))
            let answered = try await client.execute(
                uri: "/m/1?api_key=\(unlimited)", method: .post, body: TestServer.base64)
            #expect(answered.status == .ok)
            try lock.release()
            let later = try await client.execute(uri: "/m/1?api_key=\(limited)", method: .post, body: TestServer.base64)
            #expect(later.status == .ok)
        }
        #expect(try store.keys().map(\.used) == [1, 0])
    }
}
