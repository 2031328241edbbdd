import HTTPTypes

/// Who may use the server.
public enum Access: Sendable {
    /// Everybody, with or without a key.
    case open
    /// Who has a key of the store.
    case keys(KeyStore)

    /// Where a client's key may stand: the query, then `Authorization: Bearer`, then `x-api-key`, then the body.
    static func presentedKey(parameters: Parameters, headers: HTTPFields) -> String? {
        if let key = usable(parameters.value("api_key")?.text) { return key }
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer", let key = usable(String(parts[1])) { return key }
        }
        return usable(headers[.apiKey])
    }

    /// Clients that have no key send an empty one, or Python's `None`.
    static func usable(_ key: String?) -> String? {
        key.flatMap { $0.isEmpty || $0 == "None" ? nil : $0 }
    }

    /// Lets a request in, or throws `ServingError.unauthorized`.
    /// - Returns: the public id of the key, for the log.
    @discardableResult
    func check(_ secret: String?) throws -> String? {
        switch self {
        case .open: return nil
        case .keys(let store):
            guard let secret, let key = try store.authenticate(secret) else { throw ServingError.unauthorized }
            return key.id
        }
    }
}
