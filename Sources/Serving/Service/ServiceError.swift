package import ImageCodecs
package import InstanceSegmentation

/// The reason why a request receives no prediction. Each transport maps these errors to its own responses.
package enum ServiceError: Error, Sendable {
    // Access.
    case unauthorized
    /// The caller lacks a permission: its key does not have the scope, or the server has no keys and does not permit
    /// the scope without one.
    case missingScope(APIKey.Scope, hasKey: Bool)
    case quotaUsedUp(Int)
    /// Another process holds the key store.
    case keyStoreBusy
    /// The disk with the key store is full.
    case keyStoreFull
    // The model.
    case unknownModel(ModelID, served: [ModelID])
    case modelUnusable(ModelID, reason: String)
    /// The server is starting, or the model is still loading.
    case notReady
    // The image.
    case missingImage
    case malformedBase64
    case emptyImage
    case image(ImageCodecError)
    case tooManyImages(Int, limit: Int)
    case tooManyTiles(Int, limit: Int)
    // The image's address.
    case invalidURL
    case fetchFailed
    case fetchTooSlow(seconds: Int)
    case fetchTooLarge(limit: Int)
    case fetchedNoImage
    case forbiddenAddress
    // Bounds.
    /// Too many requests are waiting. `retryAfter` is in seconds, estimated from the measured throughput.
    case overloaded(retryAfter: Int)
    /// The bodies and images of other requests use all the memory that requests may hold.
    case memoryExhausted(retryAfter: Int)
    /// The image alone needs more memory than all requests together may hold.
    case exceedsMemory(bytes: Int, limit: Int)
    /// The request was not completed before its deadline.
    case deadlineExceeded
    /// The client disconnected, or the server is shutting down.
    case cancelled
    /// An internal error, with its description for the log.
    case failed(String)
}
