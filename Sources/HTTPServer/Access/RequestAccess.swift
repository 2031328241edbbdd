import Foundation
import HTTPTypes
import Hummingbird
public import Serving

extension Access {
    /// All callers: for everything where only this machine can reach the server, and for predictions otherwise.
    /// - Parameter host: the address that the server listens on.
    public static func open(on host: String) -> Access {
        .anyone(scopes: OriginPolicy.isLoopback(host) ? APIKey.Scope.all : [.predict])
    }
}

/// Finds the key of a request and what it allows.
struct RequestAccess: Sendable {
    let access: Access

    /// A key may stand in the query, in `Authorization: Bearer`, in `x-api-key`, and in the body, in this order of precedence.
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

    /// The key, unless it is empty or Python's `None`, which clients without a key send.
    static func usable(_ key: String?) -> String? {
        key.flatMap { $0.isEmpty || $0 == "None" ? nil : $0 }
    }

    /// The grant of the key in the query or a header, or of an open server; `nil` where a key may still stand in the body.
    /// - Parameter scopes: the scopes of which one is needed.
    func grantBeforeBody(
        _ request: Request, _ context: ServerContext, anyOf scopes: [APIKey.Scope] = [.predict]
    ) async throws -> Grant? {
        let key = Self.presentedKey(parameters: context.parameters, headers: request.headers)
        return key != nil || access.isOpen ? try await grant(nil, or: key, context.record, anyOf: scopes) : nil
    }

    /// Refuses a request of a key that fills the queue, before the key is looked up.
    /// - Throws: `SchedulerError.queueFull`.
    func checkRoom(
        _ request: Request, _ context: ServerContext, _ scheduler: Scheduler
    ) throws(SchedulerError) {
        guard scheduler.isFull, let key = Self.presentedKey(parameters: context.parameters, headers: request.headers),
            let id = access.recentID(of: key)
        else { return }
        try scheduler.checkRoom(key: id)
    }

    /// The grant that is known already, or that of a key in the body.
    /// - Parameter scopes: the scopes of which one is needed.
    func grant(
        _ early: Grant?, or key: String?, _ record: RequestRecord, anyOf scopes: [APIKey.Scope] = [.predict]
    ) async throws -> Grant {
        if let early { return early }
        let grant = try await access.grant(key)
        record.setKey(grant.keyID)
        try grant.require(anyOf: scopes)
        return grant
    }

    /// The grant of a request that has no body.
    func grant(
        _ request: Request, _ context: ServerContext, anyOf scopes: [APIKey.Scope] = [.predict]
    ) async throws -> Grant {
        try await grant(
            grantBeforeBody(request, context, anyOf: scopes), or: nil, context.record, anyOf: scopes)
    }
}
