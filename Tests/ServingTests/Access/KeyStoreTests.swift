import Foundation
import InstanceSegmentation
import TestSupport
import Testing

@testable import Serving

@Suite struct KeyStoreTests {
    @Test func aKeyLetsInUntilItIsRevokedByAnyProcess() async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try KeyStore(folder: folder)
        let made = try store.create(name: "test")
        #expect(try await store.authenticate(made.secret)?.id == made.key.id)
        #expect(try await store.authenticate(made.secret + "x") == nil)
        #expect(try await store.authenticate("") == nil)
        let other = try KeyStore(folder: folder)
        #expect(try other.revoke(id: made.key.id))
        #expect(try !other.revoke(id: made.key.id))
        #expect(try !other.revoke(id: "nobody"))
        #expect(try await store.authenticate(made.secret) == nil)
        #expect(try store.keys().map { $0.revoked != nil } == [true])
    }

    @Test func secretsAreNotStoredAndFilesAreTheirOwnersOnly() throws {
        let folder = try TestFiles.temporaryFolder().appending(path: "state")
        let store = try KeyStore(folder: folder)
        let secret = try store.create(name: "test").secret
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let url = folder.appending(path: file)
            #expect(try Data(contentsOf: url).range(of: Data(secret.utf8)) == nil)
            let mode = try FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test func aChosenSecretIsTheSameKeyEachTime() async throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        // Many, because a date that is not kept exactly is equal now and then.
        for secret in (0..<100).map({ "rf_mine\($0)" }) {
            let first = try store.importKey(secret: secret, name: "mine")
            #expect(try store.importKey(secret: secret, name: "mine") == first)
            #expect(try await store.authenticate(secret) == first)
        }
        #expect(try store.keys().count == 100)
    }

    @Test func aKeyMayExpireAndHaveAQuota() async throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try KeyStore(folder: folder)
        let late = try store.create(name: "late", limits: .init(expires: Date(timeIntervalSinceNow: -60)))
        #expect(try await store.authenticate(late.secret) == nil)
        #expect(late.key.state() == .expired(try #require(late.key.limits.expires)))
        let small = try store.create(
            name: "small", limits: .init(models: ["a", "b/2"], expires: Date(timeIntervalSinceNow: 3600), quota: 3))
        #expect(try await store.authenticate(small.secret) == small.key)
        let other = try KeyStore(folder: folder)
        // Many at once, from two processes' views: exactly three are allowed.
        let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for i in 0..<20 { group.addTask { try await (i % 2 == 0 ? store : other).consumeQuota(id: small.key.id) } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(allowed == 3)
        #expect(try store.keys().map(\.used) == [0, 3])
        #expect(small.key.limits.allows(ModelID(dataset: "a", version: "7")))
        #expect(small.key.limits.allows(ModelID(dataset: "b", version: "2")))
        #expect(!small.key.limits.allows(ModelID(dataset: "b", version: "1")))
    }

    @Test func secretsCanBePastedIntoAddresses() {
        for _ in 0..<50 {
            let secret = APIKey.makeSecret()
            #expect(secret.count == 35 && secret.hasPrefix("rf_"))
            #expect(secret.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains($0) })
        }
        #expect(Set((0..<200).map { _ in APIKey.makeSecret() }).count == 200)
    }

}
