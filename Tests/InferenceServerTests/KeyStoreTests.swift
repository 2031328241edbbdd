import Foundation
import TestSupport
import Testing

@testable import InferenceServer

@Suite struct KeyStoreTests {
    @Test func aKeyLetsInUntilItIsRevokedByAnyProcess() throws {
        let folder = try TestFiles.temporaryFolder()
        let store = try KeyStore(folder: folder)
        let made = try store.create(name: "test")
        #expect(try store.authenticate(made.secret)?.id == made.key.id)
        #expect(try store.authenticate(made.secret + "x") == nil)
        #expect(try store.authenticate("") == nil)
        let other = try KeyStore(folder: folder)
        #expect(try other.revoke(id: made.key.id))
        #expect(try !other.revoke(id: made.key.id))
        #expect(try !other.revoke(id: "nobody"))
        #expect(try store.authenticate(made.secret) == nil)
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

    @Test func aChosenSecretIsTheSameKeyEachTime() throws {
        let store = try KeyStore(folder: TestFiles.temporaryFolder())
        // Many, because a date that is not kept exactly is equal now and then.
        for secret in (0..<100).map({ "rf_mine\($0)" }) {
            let first = try store.adopt(secret: secret, name: "mine")
            #expect(try store.adopt(secret: secret, name: "mine") == first)
            #expect(try store.authenticate(secret) == first)
        }
        #expect(try store.keys().count == 100)
    }

    @Test func secretsCanBePastedIntoAddresses() {
        for _ in 0..<50 {
            let secret = APIKey.makeSecret()
            #expect(secret.count == 35 && secret.hasPrefix("rf_"))
            #expect(secret.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains($0) })
        }
        #expect(Set((0..<200).map { _ in APIKey.makeSecret() }).count == 200)
    }

    @Test func comparisonIsByAllBytes() {
        #expect(equalInConstantTime(Data([1, 2, 3]), Data([1, 2, 3])))
        #expect(!equalInConstantTime(Data([1, 2, 3]), Data([1, 2, 4])))
        #expect(!equalInConstantTime(Data([1, 2, 3]), Data([1, 2])))
    }
}
