public import Foundation
import GRDB

/// The keys of a server, in an SQLite file of its state folder. Several processes may use it at once: what one revokes,
/// the next request to another finds revoked.
public struct KeyStore: Sendable {
    private let database: DatabaseQueue

    /// Opens or makes `silhouette.sqlite` in a folder, both readable by their owner only.
    public init(folder: URL) throws {
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let file = folder.appending(path: "silhouette.sqlite")
        if !FileManager.default.fileExists(atPath: file.path) {
            // Made here, so that its mode is right before anything is in it. Where it cannot be made, opening it says why.
            _ = FileManager.default.createFile(atPath: file.path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            // Readers and writers of several processes do not wait for one another, and a count costs no disk flush.
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        database = try DatabaseQueue(path: file.path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("keys") { database in
            try database.create(table: "apiKey") { table in
                table.primaryKey("id", .text)
                table.column("name", .text).notNull()
                table.column("hash", .blob).notNull().unique()
                table.column("created", .datetime).notNull()
                table.column("revoked", .datetime)
            }
        }
        migrator.registerMigration("limits of keys") { database in
            try database.alter(table: "apiKey") { table in
                table.add(column: "models", .text)
                table.add(column: "expires", .datetime)
                table.add(column: "quota", .integer)
                table.add(column: "used", .integer).notNull().defaults(to: 0)
            }
        }
        try migrator.migrate(database)
    }

    /// Makes a key. The secret is returned and kept nowhere.
    public func create(name: String, limits: APIKey.Limits = APIKey.Limits()) throws -> (key: APIKey, secret: String) {
        let secret = APIKey.makeSecret()
        return (try insert(name: name, secret: secret, limits: limits), secret)
    }

    /// Lets a secret in that somebody chose. The same secret again is the same key.
    public func adopt(secret: String, name: String) throws -> APIKey {
        if let known = try database.read({ try Self.key(hash: APIKey.hash(secret), in: $0) }) { return known }
        return try insert(name: name, secret: secret, limits: APIKey.Limits())
    }

    private func insert(name: String, secret: String, limits: APIKey.Limits) throws -> APIKey {
        // Whole seconds are the same when they are read back; fractions are not always.
        func whole(_ date: Date) -> Date { Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down)) }
        var limits = limits
        limits.expires = limits.expires.map(whole)
        let key = APIKey(id: APIKey.makeID(), name: name, created: whole(Date()), limits: limits)
        let models = limits.models.map { $0.sorted().joined(separator: ",") }
        try database.write { database in
            try database.execute(
                sql:
                    "INSERT INTO apiKey (id, name, hash, created, models, expires, quota) VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    key.id, key.name, APIKey.hash(secret), key.created, models, limits.expires, limits.quota,
                ])
        }
        return key
    }

    /// All keys, revoked ones too, in the order in which they were made.
    public func keys() throws -> [APIKey] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM apiKey ORDER BY rowid").map(APIKey.init(row:))
        }
    }

    /// Revokes the key of that public id. Returns whether there is one that was not revoked before.
    public func revoke(id: String) throws -> Bool {
        try database.write { database in
            try database.execute(
                sql: "UPDATE apiKey SET revoked = ? WHERE id = ? AND revoked IS NULL", arguments: [Date(), id])
            return database.changesCount > 0
        }
    }

    /// The key of a secret, if there is one that works.
    func authenticate(_ secret: String) async throws -> APIKey? {
        let hash = APIKey.hash(secret)
        let key = try await database.read { try Self.key(hash: hash, in: $0) }
        return key.flatMap { $0.state() == .active ? $0 : nil }
    }

    /// Counts a prediction. Returns whether the key's quota allowed it.
    func spend(id: String) async throws -> Bool {
        try await database.write { database in
            try database.execute(
                sql: "UPDATE apiKey SET used = used + 1 WHERE id = ? AND (quota IS NULL OR used < quota)",
                arguments: [id])
            return database.changesCount > 0
        }
    }

    private static func key(hash: Data, in database: Database) throws -> APIKey? {
        let row = try Row.fetchOne(database, sql: "SELECT * FROM apiKey WHERE hash = ?", arguments: [hash])
        guard let row, equalInConstantTime(row["hash"], hash) else { return nil }
        return APIKey(row: row)
    }
}

extension APIKey {
    fileprivate init(row: Row) {
        let models: String? = row["models"]
        self.init(
            id: row["id"], name: row["name"], created: row["created"], revoked: row["revoked"],
            limits: Limits(
                models: models.map { Set($0.split(separator: ",").map(String.init)) }, expires: row["expires"],
                quota: row["quota"]),
            used: row["used"])
    }
}
