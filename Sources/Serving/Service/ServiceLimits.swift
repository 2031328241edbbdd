package import ImageCodecs

/// The limits on the resources of one request, and of all requests together. `docs/operations.md` lists each of them
/// with its option.
public struct ServiceLimits: Sendable {
    /// Maximum number of concurrent inferences, over all models. One more image is decoded meanwhile.
    public var concurrency: Int
    /// Maximum number of requests in the queue; further ones are refused.
    public var maxQueue: Int
    /// Maximum time in the queue.
    public var queueTimeout: Duration
    /// Maximum duration of a request after its body was read, including the time in the queue. A request may set a
    /// shorter one.
    public var requestTimeout: Duration
    /// Maximum memory for the bodies and decoded images of all requests together, in bytes.
    public var maxMemory: Int
    /// Maximum number of images in one request.
    public var maxImages: Int
    /// Maximum number of tiles of one image.
    public var maxTiles: Int
    package var image: ImageLimits

    public init(
        concurrency: Int, maxQueue: Int = 64, queueTimeout: Duration = .seconds(30),
        requestTimeout: Duration = .seconds(120), maxMemory: Int = 1 << 30, maxImages: Int = 32, maxTiles: Int = 256
    ) {
        self.init(
            concurrency: concurrency, maxQueue: maxQueue, queueTimeout: queueTimeout, requestTimeout: requestTimeout,
            maxMemory: maxMemory, maxImages: maxImages, maxTiles: maxTiles, image: ImageLimits())
    }

    package init(
        concurrency: Int, maxQueue: Int = 64, queueTimeout: Duration = .seconds(30),
        requestTimeout: Duration = .seconds(120), maxMemory: Int = 1 << 30, maxImages: Int = 32, maxTiles: Int = 256,
        image: ImageLimits
    ) {
        self.concurrency = max(concurrency, 1)
        self.maxQueue = max(maxQueue, 0)
        self.queueTimeout = queueTimeout
        self.requestTimeout = requestTimeout
        self.maxMemory = max(maxMemory, 1 << 20)
        self.maxImages = max(maxImages, 1)
        self.maxTiles = max(maxTiles, 1)
        self.image = image
    }
}
