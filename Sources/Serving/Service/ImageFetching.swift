public import Foundation

/// Fetches the images of `image=` addresses. A transport's client implements it.
public protocol ImageFetching: Sendable {
    /// The bytes at an `http` or `https` address.
    /// - Parameters:
    ///   - owner: whom the fetch is for, so that one caller's slow addresses delay no other's.
    ///   - reserve: called with the size of each part before it is kept; what it throws ends the fetch.
    /// - Throws: `ServiceError`.
    func fetch(
        _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) throws -> Void
    ) async throws -> any ContiguousBytes & Sendable
}

/// Fetches nothing: every address is refused.
package struct NoFetching: ImageFetching {
    package init() {}

    package func fetch(
        _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) throws -> Void
    ) async throws -> any ContiguousBytes & Sendable {
        throw ServiceError.forbiddenAddress
    }
}
