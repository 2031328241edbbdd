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
        try migrator.migrate(database)
    }

    /// Makes a key. The secret is returned and kept nowhere.
    public func create(name: String) throws -> (key: APIKey, secret: String) {
        let secret = APIKey.makeSecret()
        return (try insert(name: name, secret: secret), secret)
    }

    /// Lets a secret in that somebody chose. The same secret again is the same key.
    public func adopt(secret: String, name: String) throws -> APIKey {
        if let known = try key(hash: APIKey.hash(secret)) { return known }
        return try insert(name: name, secret: secret)
    }

    private func insert(name: String, secret: String) throws -> APIKey {
        // Whole seconds are the same when they are read back; fractions are not always.
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        let key = APIKey(id: APIKey.makeID(), name: name, created: now)
        try database.write { database in
            try database.execute(
                sql: "INSERT INTO apiKey (id, name, hash, created) VALUES (?, ?, ?, ?)",
                arguments: [key.id, key.name, APIKey.hash(secret), key.created])
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

    /// The key of a secret, if there is one that is not revoked.
    func authenticate(_ secret: String) throws -> APIKey? {
        try key(hash: APIKey.hash(secret)).flatMap { $0.revoked == nil ? $0 : nil }
    }

    private func key(hash: Data) throws -> APIKey? {
        try database.read { database in
            let row = try Row.fetchOne(database, sql: "SELECT * FROM apiKey WHERE hash = ?", arguments: [hash])
            guard let row, equalInConstantTime(row["hash"], hash) else { return nil }
            return APIKey(row: row)
        }
    }
}

extension APIKey {
    fileprivate init(row: Row) {
        self.init(id: row["id"], name: row["name"], created: row["created"], revoked: row["revoked"])
    }
}
