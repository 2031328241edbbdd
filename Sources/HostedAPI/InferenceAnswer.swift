/// The JSON answer of the hosted instance segmentation API to one image.
public struct InferenceAnswer: Codable, Hashable, Sendable {
    /// The size of the image that was segmented, in pixels.
    public struct ImageSize: Codable, Hashable, Sendable {
        public var width: Int
        public var height: Int

        public init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    /// Identifies the answer; absent in answers of older servers.
    public var inferenceID: String?
    /// Seconds spent on the image, without waiting.
    public var time: Double
    public var image: ImageSize
    /// The objects, most confident first.
    public var predictions: [InstancePrediction]
    /// The image with the objects drawn on it, a JPEG in base64, where it was asked for.
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

/// One object of an answer.
public struct InstancePrediction: Codable, Hashable, Sendable {
    /// A corner of the outline, in image pixels.
    public struct Point: Codable, Hashable, Sendable {
        public var x: Double
        public var y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// The mask of the whole image in COCO's compressed run lengths.
    public struct RunLengths: Codable, Hashable, Sendable {
        /// Height and width of the image.
        public var size: [Int]
        public var counts: String

        public init(size: [Int], counts: String) {
            self.size = size
            self.counts = counts
        }
    }

    /// Center of the box, in image pixels.
    public var x: Double
    /// Center of the box, in image pixels.
    public var y: Double
    public var width: Double
    public var height: Double
    /// 0...1.
    public var confidence: Double
    public var className: String
    /// Zero-based index into the model's list of classes.
    public var classID: Int
    public var detectionID: String?
    /// The outline, where `mask_format` is `polygon`.
    public var points: [Point]?
    /// The mask, where `mask_format` is `rle`.
    public var rle: RunLengths?
    /// `polygon` or `rle`; absent in answers of older servers.
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
