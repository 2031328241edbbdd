/// The JSON response of the hosted instance segmentation API for one image.
public struct InferenceAnswer: Codable, Hashable, Sendable {
    /// The size of the segmented image, in pixels.
    public struct ImageSize: Codable, Hashable, Sendable {
        public var width: Int
        public var height: Int

        public init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    /// The identifier of the response; absent in responses of older servers.
    public var inferenceID: String?
    /// Processing time in seconds, without time in the queue.
    public var time: Double
    public var image: ImageSize
    /// The detected objects, most confident first.
    public var predictions: [InstancePrediction]
    /// A JPEG of the image with the objects drawn on it, in base64, if the request asked for it.
    public var visualization: String?

    private enum CodingKeys: String, CodingKey {
        case inferenceID = "inference_id"
        case time, image, predictions, visualization
    }

    public init(
        inferenceID: String? = nil, time: Double, image: ImageSize, predictions: [InstancePrediction],
        visualization: String? = nil
    ) {
        self.inferenceID = inferenceID
        self.time = time
        self.image = image
        self.predictions = predictions
        self.visualization = visualization
    }
}

/// One detected object.
public struct InstancePrediction: Codable, Hashable, Sendable {
    /// A vertex of the outline, in image pixels.
    public struct Point: Codable, Hashable, Sendable {
        public var x: Double
        public var y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// The mask of the whole image in COCO's compressed run-length encoding.
    public struct RunLengths: Codable, Hashable, Sendable {
        /// Height and width of the image, in pixels.
        public var size: [Int]
        public var counts: String

        public init(size: [Int], counts: String) {
            self.size = size
            self.counts = counts
        }
    }

    /// The x coordinate of the box's center, in image pixels.
    public var x: Double
    /// The y coordinate of the box's center, in image pixels.
    public var y: Double
    public var width: Double
    public var height: Double
    /// Confidence, 0...1.
    public var confidence: Double
    public var className: String
    /// Zero-based index into the model's list of classes.
    public var classID: Int
    public var detectionID: String?
    /// The outline, if `mask_format` is `polygon`.
    public var points: [Point]?
    /// The mask, if `mask_format` is `rle`.
    public var rle: RunLengths?
    /// `polygon` or `rle`; absent in responses of older servers.
    public var maskFormat: String?

    private enum CodingKeys: String, CodingKey {
        case x, y, width, height, confidence
        case className = "class"
        case classID = "class_id"
        case detectionID = "detection_id"
        case points, rle
        case maskFormat = "mask_format"
    }

    public init(
        x: Double, y: Double, width: Double, height: Double, confidence: Double, className: String, classID: Int,
        detectionID: String? = nil, points: [Point]? = nil, rle: RunLengths? = nil, maskFormat: String? = nil
    ) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.confidence = confidence
        self.className = className
        self.classID = classID
        self.detectionID = detectionID
        self.points = points
        self.rle = rle
        self.maskFormat = maskFormat
    }
}
