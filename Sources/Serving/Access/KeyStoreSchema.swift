import Foundation
import GRDB

/// The tables of the key store.
enum KeyStoreSchema {
    /// Brings a database to the current schema. Does not write where it is current already.
    static let migrator: DatabaseMigrator = {
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
        migrator.registerMigration("scopes of keys") { database in
            try database.alter(table: "apiKey") { table in
                table.add(column: "scopes", .text).notNull().defaults(to: APIKey.Scope.predict.rawValue)
            }
            // The operator's own keys keep what they could do before there were scopes.
            try database.execute(
                sql: """
                    UPDATE apiKey SET scopes = ? WHERE name IN ('first start', 'SILHOUETTE_API_KEY')
                    AND models IS NULL AND expires IS NULL AND quota IS NULL
                    """, arguments: [APIKey.Scope.all.column])
        }
        return migrator
    }()
}

extension Database {
    /// The key with a hash, revoked or expired ones too.
    ///
    /// The index is searched for the SHA-256 of what the client sent. How long that takes reveals at most a prefix of a
    /// hash that the client knows already, and nothing about the secrets of others.
    func key(hash: Data) throws -> APIKey? {
        try Row.fetchOne(cachedStatement(sql: "SELECT * FROM apiKey WHERE hash = ?"), arguments: [hash])
            .map(APIKey.init(row:))
    }

    /// Adds a key.
    func insert(_ key: APIKey, hash: Data) throws {
        try execute(
            sql: """
                INSERT INTO apiKey (id, name, hash, created, models, expires, quota, scopes)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.id, key.name, hash, key.created, key.limits.models.map { $0.sorted().joined(separator: ",") },
                key.limits.expires, key.limits.quota, key.limits.scopes.column,
            ])
    }
}

extension APIKey {
    /// A key that is created now, with a new public id.
    static func new(name: String, limits: Limits) -> APIKey {
        // Whole seconds are the same when they are read back; fractions are not always.
        func whole(_ date: Date) -> Date { Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down)) }
        var limits = limits
        limits.expires = limits.expires.map(whole)
        return APIKey(id: makeID(), name: name, created: whole(Date()), limits: limits)
    }

    /// Reads a row of the table.
    init(row: Row) {
        let models: String? = row["models"]
        let scopes: String = row["scopes"]
        self.init(
            id: row["id"], name: row["name"], created: row["created"], revoked: row["revoked"],
            limits: Limits(
                models: models.map { Set($0.split(separator: ",").map(String.init)) }, expires: row["expires"],
                quota: row["quota"],
                // A later version may know more of them.
                scopes: Set(scopes.split(separator: ",").compactMap { Scope(rawValue: String($0)) })),
            used: row["used"])
    }
}

extension Set<APIKey.Scope> {
    /// The scopes as they are stored: sorted, with commas between them.
    var column: String { sorted().map(\.rawValue).joined(separator: ",") }
}
