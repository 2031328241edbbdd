public import Foundation

/// Fetches the images of `image=` addresses. A transport's client implements it.
public protocol ImageFetching: Sendable {
    /// The bytes at an `http` or `https` address.
    /// - Parameters:
    ///   - owner: whom the fetch is for, so that one caller's slow addresses delay no other's.
    ///   - reserve: called before bytes are kept, with the number of all that may be kept then. It may wait, which does not count as
    ///     time of the fetch and during which nothing more is read. What it throws ends the fetch.
    /// - Throws: `ServiceError`.
    func fetch(
        _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> any ContiguousBytes & Sendable
}

/// Fetches nothing: every address is refused.
package struct NoFetching: ImageFetching {
    package init() {}

    package func fetch(
        _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> any ContiguousBytes & Sendable {
        throw ServiceError.forbiddenAddress
    }
}
