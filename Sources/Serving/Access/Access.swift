package import InstanceSegmentation

/// The access control of a server.
public enum Access: Sendable {
    /// All callers, with or without a key, within the given scopes.
    case anyone(scopes: Set<APIKey.Scope>)
    /// Callers with a key in the store.
    case keys(KeyStore)

    /// All callers, with all scopes.
    public static let open = Access.anyone(scopes: APIKey.Scope.all)

    /// Returns what a secret permits.
    /// - Throws: `ServiceError.unauthorized` if the secret is missing, unknown, revoked or expired;
    ///   `ServiceError.keyStoreBusy`, `ServiceError.keyStoreFull`.
    package func grant(_ secret: String?) async throws -> Grant {
        switch self {
        case .anyone(let scopes): return Grant(keyID: nil, limits: APIKey.Limits(scopes: scopes))
        case .keys(let store):
            guard let secret, let key = try await answer(of: store, { try await $0.authenticate(secret) }) else {
                throw ServiceError.unauthorized
            }
            return Grant(keyID: key.id, limits: key.limits)
        }
    }

    /// Returns the public id of a secret's key, if it was accepted recently. The key may have been revoked since, which
    /// is acceptable for refusals.
    package func recentID(of secret: String) -> String? {
        guard case .keys(let store) = self else { return nil }
        return store.recentID(of: secret)
    }

    /// Charges predictions to the key's quota, if it has one: all of them or none.
    /// - Throws: `ServiceError.quotaUsedUp`, `ServiceError.keyStoreBusy`, `ServiceError.keyStoreFull`.
    package func consumeQuota(_ grant: Grant, count: Int = 1) async throws {
        guard case .keys(let store) = self, let id = grant.keyID, let quota = grant.limits.quota else { return }
        guard try await answer(of: store, { try await $0.consumeQuota(id: id, count: count) }) else {
            throw ServiceError.quotaUsedUp(quota)
        }
    }

    /// Refunds the quota of a request that was refused before any work. The refund is performed even if the caller's
    /// task is canceled.
    ///
    /// While another process holds the key store or its disk is full, a refund is not possible. The caller then receives the request's own
    /// error.
    package func refundQuota(_ grant: Grant, count: Int) async {
        guard case .keys(let store) = self, let id = grant.keyID, grant.limits.quota != nil else { return }
        _ = await Task { try await store.refundQuota(id: id, count: count) }.result
    }

    /// Whether requests need no key.
    package var isOpen: Bool { if case .anyone = self { true } else { false } }

    private func answer<Result>(
        of store: KeyStore, _ question: (KeyStore) async throws -> Result
    ) async throws -> Result {
        do {
            return try await question(store)
        } catch KeyStoreError.busy {
            throw ServiceError.keyStoreBusy
        } catch KeyStoreError.full {
            throw ServiceError.keyStoreFull
        }
    }
}

/// The permissions of a request's caller.
package struct Grant: Sendable {
    /// The key's public id, for the log; `nil` on an open server.
    package let keyID: String?
    let limits: APIKey.Limits

    /// A grant of all permissions.
    package static let unlimited = Grant(keyID: nil, limits: APIKey.Limits(scopes: APIKey.Scope.all))

    /// Returns whether a model may be used and listed.
    package func allows(_ id: ModelID) -> Bool { limits.allows(id) }

    /// Returns whether a scope is permitted.
    package func allows(_ scope: APIKey.Scope) -> Bool { limits.scopes.contains(scope) }

    /// - Throws: `ServiceError.unauthorized` if the key does not permit the model.
    package func require(_ id: ModelID) throws {
        guard allows(id) else { throw ServiceError.unauthorized }
    }

    /// - Throws: `ServiceError.missingScope` if none of the scopes is permitted.
    package func require(anyOf scopes: [APIKey.Scope]) throws {
        guard let first = scopes.first, !scopes.contains(where: allows) else { return }
        throw ServiceError.missingScope(first, hasKey: keyID != nil)
    }
}
