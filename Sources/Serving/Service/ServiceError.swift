package import ImageCodecs
package import InstanceSegmentation

/// Why a request gets no prediction. Each transport has one table from these errors to what its clients are told.
package enum ServiceError: Error, Sendable {
    // Access.
    case unauthorized
    /// The caller may not do this: its key lacks a scope, or the server has no keys and permits less without one.
    case missingScope(APIKey.Scope, hasKey: Bool)
    case quotaUsedUp(Int)
    /// Another process holds the key store.
    case keyStoreBusy
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
    /// Too many requests wait. `retryAfter` is in seconds, from the measured rate.
    case overloaded(retryAfter: Int)
    /// The bodies and images of other requests take all the memory that requests may use.
    case memoryExhausted(retryAfter: Int)
    /// The image alone needs more memory than all requests together may use.
    case exceedsMemory(bytes: Int, limit: Int)
    /// The request's time was up before it was answered.
    case deadlineExceeded
    /// The caller is gone, or the server ends.
    case cancelled
    /// A fault of the server, with its description for the log.
    case failed(String)
}
