import Foundation
import HTTPTypes
import InstanceSegmentation

/// Who may use the server.
public enum Access: Sendable {
    /// Everybody, with or without a key.
    case open
    /// Who has a key of the store.
    case keys(KeyStore)

    /// What a key that was presented allows.
    struct Grant: Sendable {
        /// The key's public id, for the log; `nil` on an open server.
        let keyID: String?
        fileprivate let limits: APIKey.Limits

        /// Whether a model may be used and seen.
        func allows(_ id: ModelID) -> Bool { limits.allows(id) }

        /// - Throws: `ServingError.unauthorized` where the key is not for that model.
        func require(_ id: ModelID) throws {
            guard allows(id) else { throw ServingError.unauthorized }
        }
    }

    /// Where a client's key may stand: the query, then `Authorization: Bearer`, then `x-api-key`, then the body.
    static func presentedKey(parameters: Parameters, headers: HTTPFields) -> String? {
        if let key = usable(parameters.value("api_key")?.text) { return key }
        if let authorization = headers[.authorization], authorization.utf8.allSatisfy({ $0 < 0x80 }) {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer",
                let key = usable(parts[1].trimmingCharacters(in: .whitespaces))
            {
                return key
            }
        }
        return usable(headers[.apiKey])
    }

    /// Clients that have no key send an empty one, or Python's `None`.
    static func usable(_ key: String?) -> String? {
        key.flatMap { $0.isEmpty || $0 == "None" ? nil : $0 }
    }

    /// What a secret allows.
    /// - Throws: `ServingError.unauthorized` where it is missing, unknown, revoked or expired.
    func grant(_ secret: String?) async throws -> Grant {
        switch self {
        case .open: return Grant(keyID: nil, limits: APIKey.Limits())
        case .keys(let store):
            guard let secret, let key = try await store.authenticate(secret) else { throw ServingError.unauthorized }
            return Grant(keyID: key.id, limits: key.limits)
        }
    }

    /// What is allowed before the body is read: by a key of the query or a header, or to everybody.
    /// - Returns: `nil` where a key may still stand in the body.
    func earlyGrant(
        parameters: Parameters, headers: HTTPFields, _ log: inout RequestLog
    ) async throws -> Grant? {
        let key = Self.presentedKey(parameters: parameters, headers: headers)
        return key != nil || isOpen ? try await grant(nil, or: key, &log) : nil
    }

    /// What was granted already, or what a key of the body allows.
    func grant(_ early: Grant?, or key: String?, _ log: inout RequestLog) async throws -> Grant {
        if let early { return early }
        let grant = try await grant(key)
        log.keyID = grant.keyID
        return grant
    }

    /// Counts a prediction against the key's quota, if it has one.
    /// - Throws: `ServingError.quotaUsedUp`.
    func spend(_ grant: Grant) async throws {
        guard case .keys(let store) = self, let id = grant.keyID, let quota = grant.limits.quota else { return }
        guard try await store.spend(id: id) else { throw ServingError.quotaUsedUp(quota) }
    }

    /// Whether requests need no key.
    var isOpen: Bool { if case .open = self { true } else { false } }
}
