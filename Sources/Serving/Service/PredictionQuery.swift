package import Foundation
package import Imaging
package import InstanceSegmentation

/// The source of a request's image.
package enum ImageInput: Sendable {
    /// The bytes of an image file.
    case encoded(any ContiguousBytes & Sendable)
    /// An `http` or `https` address.
    case url(String)
}

/// Encodes the file that a client receives for an image and its objects.
package struct AnswerEncoder: Sendable {
    /// Whether the encoder needs the pixels of the image.
    let needsPixels: Bool
    /// Memory used while encoding, in bytes per pixel of the image.
    let bytesPerPixel: Int
    let encode: @Sendable (Segmentation, RasterImage?, _ classNames: [String]) throws -> [UInt8]

    /// Creates an encoder.
    package init(
        needsPixels: Bool, bytesPerPixel: Int,
        encode: @escaping @Sendable (Segmentation, RasterImage?, _ classNames: [String]) throws -> [UInt8]
    ) {
        self.needsPixels = needsPixels
        self.bytesPerPixel = bytesPerPixel
        self.encode = encode
    }
}

/// A prediction request independent of any transport: images, a model, and options.
package struct PredictionQuery: Sendable {
    /// The pixels that the response needs in addition to the objects.
    package enum Pixels: Hashable, Sendable {
        case none
        /// The pixels of the image, for formats that contain them.
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
    /// Maximum time that the client waits for the response; the service's own limit if `nil` or longer.
    package var timeout: Duration?
    /// Encodes a file for each image while its pixels and the slot are still held.
    package var encoder: AnswerEncoder?
    /// The memory of the request's body, which is held until no work needs it.
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

/// The result of a query.
package struct PredictionOutcome: Sendable {
    /// The result for one image.
    package struct Item: Sendable {
        package var segmentation: Segmentation
        /// The pixels of the image, if the query asked for them.
        package var image: RasterImage?
        /// A JPEG with the objects drawn on it, if the query asked for it.
        package var drawing: [UInt8]?
        /// The file that the query's encoder created.
        package var file: [UInt8]?
    }

    package let modelID: ModelID
    /// Number of the load that the model comes from; responses with the same generation come from the same file.
    package let generation: Int
    package let classNames: [String]
    /// In the order of the query's images; never empty.
    package let items: [Item]
}
