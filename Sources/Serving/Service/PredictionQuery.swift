package import Foundation
package import Imaging
package import InstanceSegmentation

/// Where the image of a request is.
package enum ImageInput: Sendable {
    /// The bytes of an image file.
    case encoded(any ContiguousBytes & Sendable)
    /// An `http` or `https` address.
    case url(String)
}

/// Makes the file that a caller gets of an image and its objects.
package struct AnswerEncoder: Sendable {
    /// Whether every pixel of the image is needed.
    let needsPixels: Bool
    /// The memory that the file takes while it is made, in bytes for each pixel of the image.
    let bytesPerPixel: Int
    let encode: @Sendable (Segmentation, RasterImage?, _ classNames: [String]) throws -> [UInt8]

    /// Describes a file.
    package init(
        needsPixels: Bool, bytesPerPixel: Int,
        encode: @escaping @Sendable (Segmentation, RasterImage?, _ classNames: [String]) throws -> [UInt8]
    ) {
        self.needsPixels = needsPixels
        self.bytesPerPixel = bytesPerPixel
        self.encode = encode
    }
}

/// What a caller asks of the service: images, a model, and what to find. It knows nothing of a transport.
package struct PredictionQuery: Sendable {
    /// What is needed of the image beside its objects.
    package enum Pixels: Hashable, Sendable {
        case none
        /// Every pixel of the image, for formats that are made of them.
        case image
        /// A JPEG of the image with the objects drawn on it.
        case drawing(lineWidth: Int, labels: Bool)
    }

    package var modelID: ModelID
    package var images: [ImageInput]
    package var segmentation: SegmentationQuery
    /// Whether the EXIF orientation of the images is applied.
    package var appliesOrientation: Bool
    package var pixels: Pixels
    /// How long the caller waits for the answer; the service's own limit where it is `nil` or longer.
    package var timeout: Duration?
    /// Makes a file of each image, while its pixels and the slot are still held.
    package var encoder: AnswerEncoder?
    /// The memory of the request's body, which is kept until no work needs it.
    package var body: BodyLease?

    package init(
        modelID: ModelID, images: [ImageInput], segmentation: SegmentationQuery = SegmentationQuery(),
        appliesOrientation: Bool = true, pixels: Pixels = .none, timeout: Duration? = nil
    ) {
        self.modelID = modelID
        self.images = images
        self.segmentation = segmentation
        self.appliesOrientation = appliesOrientation
        self.pixels = pixels
        self.timeout = timeout
    }
}

/// The answer of the service to a query.
package struct PredictionOutcome: Sendable {
    /// The answer to one image.
    package struct Item: Sendable {
        package var segmentation: Segmentation
        /// Every pixel, where the query asked for them.
        package var image: RasterImage?
        /// The JPEG with the objects drawn on it, where the query asked for it.
        package var drawing: [UInt8]?
        /// What the query's encoder made.
        package var file: [UInt8]?
    }

    package let modelID: ModelID
    /// Counts the files that were loaded for the model; answers of one generation come from one file.
    package let generation: Int
    package let classNames: [String]
    /// In the order of the query's images; never empty.
    package let items: [Item]
}
