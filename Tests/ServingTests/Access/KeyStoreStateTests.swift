import Foundation
import GRDB
import TestSupport
import Testing

@testable import Serving

/// What the state folder holds: databases of earlier versions, permissions, counts.
@Suite(.timeLimit(.minutes(1))) struct KeyStoreStateTests {
    private func mode(_ file: URL) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
    }

    private func setMode(_ mode: Int, _ file: URL) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }

    @Test func permissionsForOthersAreReportedAndTightened() throws {
        let folder = try TestFiles.temporaryFolder().appending(path: "it's")
        let file = folder.appending(path: "silhouette.sqlite")
        var warnings: [String] = []
        _ = try KeyStore(folder: folder) { warnings.append($0) }
        #expect(warnings.isEmpty, "\(warnings)")
        try setMode(0o777, folder)
        try setMode(0o644, file)
        _ = try KeyStore(folder: folder) { warnings.append($0) }
        #expect(warnings.count == 2)
        #expect(
            warnings.contains { $0.contains("mode 0777") && $0.contains(#"chmod 700 '"#) && $0.contains(#"it'\''s'"#) })
        #expect(warnings.contains { $0.contains(file.path) && $0.contains("0644") && $0.contains("now 0600") })
        #expect(try mode(file) == 0o600)
        #expect(try mode(folder) == 0o777)
        warnings = []
        _ = try KeyStore(folder: folder) { warnings.append($0) }
        #expect(warnings.count == 1)
    }

    @Test func keysOfEarlierVersionsKeepWhatTheyCouldDo() async throws {
        let folder = try TestFiles.temporaryFolder()
        let old = try DatabaseQueue(path: folder.appending(path: "silhouette.sqlite").path)
        try await old.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
                    INSERT INTO grdb_migrations VALUES ('keys'), ('limits of keys');
                    CREATE TABLE apiKey (id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, hash BLOB NOT NULL UNIQUE,
                        created DATETIME NOT NULL, revoked DATETIME, models TEXT, expires DATETIME, quota INTEGER,
                        used INTEGER NOT NULL DEFAULT 0);
                    """)
            for (id, name, quota) in [
                ("1", "first start", nil), ("2", "phone", nil), ("3", "SILHOUETTE_API_KEY", nil),
                ("4", "first start", 5),
            ] as [(String, String, Int?)] {
                try database.execute(
                    sql: "INSERT INTO apiKey (id, name, hash, created, quota, used) VALUES (?, ?, ?, ?, ?, 2)",
                    arguments: [id, name, APIKey.hash("secret" + id), Date(), quota])
            }
        }
        try old.close()
        let store = try KeyStore(folder: folder)
        #expect(
            try store.keys().map(\.limits.scopes) == [APIKey.Scope.all, [.predict], APIKey.Scope.all, [.predict]])
        #expect(try await store.authenticate("secret2")?.used == 2)
        #expect(try await store.consumeQuota(id: "4", count: 3))
        #expect(try await !store.consumeQuota(id: "4"))
    }

    @Test func scopesAreKeptAndThoseOfTheOperatorsKeyAreAll() throws {
        let store = try KeyStore(folder: try TestFiles.temporaryFolder())
        for scopes in [[.metrics], [.manage, .predict], [], APIKey.Scope.all] as [Set<APIKey.Scope>] {
            let key = try store.create(name: "test", limits: .init(scopes: scopes)).key
            #expect(try store.keys().last == key && key.limits.scopes == scopes)
        }
        let made = try store.create(name: "small")
        #expect(made.key.limits.scopes == [.predict])
        let imported = try store.importKey(secret: made.secret, name: "SILHOUETTE_API_KEY")
        #expect(imported.id == made.key.id && imported.limits.scopes == APIKey.Scope.all)
        #expect(try store.importKey(secret: "another", name: "x").limits.scopes == APIKey.Scope.all)
    }

    @Test func aFullDiskHasAnErrorOfItsOwn() async throws {
        let queue = try DatabaseQueue(path: try TestFiles.temporaryFolder().appending(path: "full.sqlite").path)
        try await queue.write { database in
            try database.execute(sql: "CREATE TABLE filler (bytes BLOB)")
            try database.execute(sql: "PRAGMA max_page_count = 1")  // SQLite takes its present size instead
        }
        let fill: @Sendable (Database) throws -> Void = {
            try $0.execute(sql: "INSERT INTO filler VALUES (zeroblob(1000000))")
        }
        let retry = BusyRetry(timeout: .seconds(30))
        await #expect(throws: KeyStoreError.full) { try await retry.run { try await queue.write(fill) } }
        #expect(throws: KeyStoreError.full) { try retry.runBlocking { try queue.write(fill) } }
    }

    @Test func severalPredictionsAreSpentTogetherOrNotAtAll() async throws {
        let store = try KeyStore(folder: try TestFiles.temporaryFolder())
        let id = try store.create(name: "test", limits: .init(quota: 10)).key.id
        for (count, isAllowed, used) in [
            (4, true, 4), (7, false, 4), (Int.max, false, 4), (0, true, 4), (-3, true, 4), (6, true, 10),
            (1, false, 10),
        ] {
            #expect(try await store.consumeQuota(id: id, count: count) == isAllowed, "\(count)")
            #expect(try store.keys().map(\.used) == [used], "\(count)")
        }
        #expect(try await !store.consumeQuota(id: "nobody"))
    }

    @Test(arguments: [UInt64.random(in: 0...UInt64.max), 1, 2])
    func whatIsSpentIsExactWhoeverSpendsIt(seed: UInt64) async throws {
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        let folder = try TestFiles.temporaryFolder()
        // Two stores behave like two processes. Neither may give up, however slow the machine is.
        let stores = try (0..<2).map { _ in
            try KeyStore(folder: folder, busyTimeout: .seconds(30), maxWaitingWriters: 1000)
        }
        let quota = Int.random(in: 20...60, using: &random)
        let id = try stores[0].create(name: "test", limits: .init(quota: quota)).key.id
        let counts = (0..<40).map { _ in Int.random(in: 1...5, using: &random) }
        let spent = try await withThrowingTaskGroup(of: Int.self) { group in
            for (i, count) in counts.enumerated() {
                group.addTask { try await stores[i % 2].consumeQuota(id: id, count: count) ? count : 0 }
            }
            return try await group.reduce(0, +)
        }
        #expect(try stores[1].keys().map(\.used) == [spent], "seed \(seed)")
        // What is left is less than the largest request that was refused.
        #expect(spent <= quota && (spent == counts.reduce(0, +) || quota - spent < 5), "seed \(seed)")
    }
}
