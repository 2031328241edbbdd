public import Foundation

/// Fetches the images of `image=` parameters that are addresses. Implemented by the client of a transport.
public protocol ImageFetching: Sendable {
    /// Fetches the bytes at an `http` or `https` address.
    /// - Parameters:
    ///   - owner: the caller of the request. Slow addresses of one caller do not delay the fetches of another.
    ///   - reserve: called before bytes are stored, with the total number of bytes to be stored. It may wait; meanwhile
    ///     nothing is read, and the fetch's time limit does not apply. An error that it throws ends the fetch.
    /// - Throws: `ServiceError`.
    func fetch(
        _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> any ContiguousBytes & Sendable
}

/// Refuses every address.
package struct NoFetching: ImageFetching {
    package init() {}

    package func fetch(
        _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> any ContiguousBytes & Sendable {
        throw ServiceError.forbiddenAddress
    }
}
