public import Foundation
import GRDB
import Synchronization

/// An error of the key store.
public enum KeyStoreError: Error, Hashable, CustomStringConvertible {
    /// Another process holds the database's lock, or too many callers wait for it.
    case busy
    /// There is no room for the database to grow.
    case full

    public var description: String {
        switch self {
        case .busy: "The key store is locked by another process; try again when that has finished."
        case .full: "The disk with the key store is full; try again when there is free space."
        }
    }
}

/// The API keys of a server, in an SQLite database in its state folder.
///
/// Several processes may use it concurrently. When one revokes a key, the others refuse it from the next request on.
/// Reads do not wait for writes, in this process or in others.
public final class KeyStore: Sendable {
    /// The name of the database in the state folder.
    private static let fileName = "silhouette.sqlite"

    private let database: DatabasePool
    /// For requests, which must not wait for long.
    private let retry: BusyRetry
    /// For the command and the start of a server.
    private let patientRetry = BusyRetry(timeout: .seconds(5))
    private let maxWaitingWriters: Int
    private let waitingWriters = Mutex(0)
    private let recent = RecentKeys()

    /// Opens or creates the database `silhouette.sqlite` in a folder. Both are created with access for their owner
    /// only.
    /// - Parameters:
    ///   - folder: the state folder.
    ///   - warn: called if the permissions give access to other users; permissions of the database are tightened.
    /// - Throws: `KeyStoreError.busy` if the database is locked for more than 5 s; `KeyStoreError.full`; errors of the
    ///   file system.
    public convenience init(folder: URL, warn: (String) -> Void = { _ in }) throws {
        try self.init(folder: folder, busyTimeout: .seconds(1), maxWaitingWriters: 64, warn: warn)
    }

    /// Opens or creates the database.
    /// - Parameters:
    ///   - busyTimeout: how long a request waits for the lock of another process.
    ///   - maxWaitingWriters: the maximum number of requests that write or wait for it; others are refused at once.
    init(folder: URL, busyTimeout: Duration, maxWaitingWriters: Int, warn: (String) -> Void = { _ in }) throws {
        retry = BusyRetry(timeout: busyTimeout)
        self.maxWaitingWriters = maxWaitingWriters
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let file = folder.appending(path: Self.fileName)
        if !FileManager.default.fileExists(atPath: file.path) {
            // Created here, so that its mode is right before anything is in it. If that fails, opening it reports why.
            _ = FileManager.default.createFile(atPath: file.path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        // Before SQLite creates further files, which get the mode of the database.
        StatePermissions.check(
            folder: folder, files: ["", "-wal", "-shm"].map { folder.appending(path: Self.fileName + $0) }, warn: warn)
        var configuration = Configuration()
        // `BusyRetry` repeats instead.
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA busy_timeout = 0") }  // for readers, too
        database = try patientRetry.runBlocking { [configuration] in
            try DatabasePool(path: file.path, configuration: configuration)
        }
        try patientRetry.runBlocking { try KeyStoreSchema.migrator.migrate(database) }
    }

    // MARK: Administration

    /// Creates a key. The secret is returned and not stored.
    public func create(name: String, limits: APIKey.Limits = APIKey.Limits()) throws -> (key: APIKey, secret: String) {
        let secret = APIKey.makeSecret()
        let key = APIKey.new(name: name, limits: limits)
        try write { try $0.insert(key, hash: APIKey.hash(secret)) }
        return (key, secret)
    }

    /// Stores a key with a secret that the operator chose. If the secret is already known, its key is kept.
    /// - Parameter scopes: the scopes of the key from now on.
    public func importKey(
        secret: String, name: String, scopes: Set<APIKey.Scope> = APIKey.Scope.all
    ) throws -> APIKey {
        let hash = APIKey.hash(secret)
        let known = try patientRetry.runBlocking { try database.read { try $0.key(hash: hash) } }
        if let known, known.limits.scopes == scopes { return known }  // writes only where something changes
        return try write { database in
            guard let known = try database.key(hash: hash) else {
                let key = APIKey.new(name: name, limits: APIKey.Limits(scopes: scopes))
                try database.insert(key, hash: hash)
                return key
            }
            try database.execute(
                sql: "UPDATE apiKey SET scopes = ? WHERE id = ?", arguments: [scopes.column, known.id])
            return try database.key(hash: hash) ?? known
        }
    }

    /// Returns all keys, including revoked ones, in the order of their creation.
    public func keys() throws -> [APIKey] {
        try patientRetry.runBlocking {
            try database.read { database in
                try Row.fetchAll(database, sql: "SELECT * FROM apiKey ORDER BY rowid").map(APIKey.init(row:))
            }
        }
    }

    /// Revokes the key with the given public id.
    ///
    /// - Returns: whether there was such a key and it had not been revoked before.
    public func revoke(id: String) throws -> Bool {
        try write { database in
            try database.execute(
                sql: "UPDATE apiKey SET revoked = ? WHERE id = ? AND revoked IS NULL", arguments: [Date(), id])
            return database.changesCount > 0
        }
    }

    private func write<Result>(_ changes: (Database) throws -> Result) throws -> Result {
        try patientRetry.runBlocking { try database.write(changes) }
    }

    // MARK: Requests

    /// The number of requests that write or wait for it.
    var waitingWriterCount: Int { waitingWriters.withLock { $0 } }

    /// Returns the key of a secret, if it is valid.
    /// - Throws: `KeyStoreError.busy` if another process locks the database even for reads.
    func authenticate(_ secret: String) async throws -> APIKey? {
        let hash = APIKey.hash(secret)
        // One statement needs no transaction.
        let key = try await retry.run { try await self.database.unsafeRead { try $0.key(hash: hash) } }
        let active = key.flatMap { $0.state() == .active ? $0 : nil }
        recent.note(active?.id, for: hash)
        return active
    }

    /// Returns the public id of a secret's key, if it was accepted recently; it may have been revoked since. Does not
    /// access the database.
    func recentID(of secret: String) -> String? { recent[APIKey.hash(secret)] }

    /// Charges predictions to a key's quota: all of them or none.
    /// - Parameter count: the number of predictions.
    /// - Returns: whether the quota permitted it. A key without a quota permits any number.
    /// - Throws: `KeyStoreError.busy` if the database stays locked, or if too many callers wait for it;
    ///   `KeyStoreError.full`.
    func consumeQuota(id: String, count: Int = 1) async throws -> Bool {
        guard count > 0 else { return true }
        return try await update(
            // A sum could overflow; a difference cannot, since `used` is from 0 to `quota`.
            "UPDATE apiKey SET used = used + ?1 WHERE id = ?2 AND (quota IS NULL OR quota - used >= ?1)",
            [count, id])
    }

    /// Refunds predictions that `consumeQuota` charged.
    /// - Throws: `KeyStoreError`.
    func refundQuota(id: String, count: Int) async throws {
        guard count > 0 else { return }
        _ = try await update("UPDATE apiKey SET used = max(used - ?1, 0) WHERE id = ?2", [count, id])
    }

    /// Runs a statement. Returns whether it changed a row.
    private func update(_ sql: String, _ arguments: StatementArguments) async throws -> Bool {
        let isAdmitted = waitingWriters.withLock { waiting in
            guard waiting < maxWaitingWriters else { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else { throw KeyStoreError.busy }
        defer { waitingWriters.withLock { $0 -= 1 } }
        return try await retry.run {
            try await self.database.write { database in
                let statement = try database.cachedStatement(sql: sql)
                try statement.execute(arguments: arguments)
                return database.changesCount > 0
            }
        }
    }
}
