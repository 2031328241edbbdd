package import ImageCodecs

/// Every bound of the service on what one request, or all requests together, may cost. `docs/operations.md` lists each with its option.
public struct ServiceLimits: Sendable {
    /// Inferences that run at once, over all models. One more image is decoded meanwhile.
    public var concurrency: Int
    /// Requests that may wait for their turn; further ones are refused.
    public var maxQueue: Int
    /// How long a request may wait for its turn.
    public var queueTimeout: Duration
    /// How long a request may take after its body was read, waiting included. A request may ask for less.
    public var requestTimeout: Duration
    /// Bytes of the bodies and decoded images of all requests together.
    public var maxMemory: Int
    /// Images of one request.
    public var maxImages: Int
    /// Tiles of one image.
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
