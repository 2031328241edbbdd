public import Imaging
public import InstanceSegmentation

/// A model that is open and warm.
public struct ServedModel: Sendable {
    public let id: ModelID
    public let segmenter: Segmenter
    /// Whether JPEGs are decoded in full even where less would serve.
    let decodesInFull: Bool
    /// Where requests wait before their picture is decoded, so that only few of those that wait hold one; `nil` where none wait.
    let turnstile: Turnstile?

    public init(id: ModelID, segmenter: Segmenter, decodesInFull: Bool = false) {
        self.init(id: id, segmenter: segmenter, decodesInFull: decodesInFull, turnstile: nil)
    }

    init(id: ModelID, segmenter: Segmenter, decodesInFull: Bool, turnstile: Turnstile?) {
        self.id = id
        self.segmenter = segmenter
        self.decodesInFull = decodesInFull
        self.turnstile = turnstile
    }

    /// Decodes a picture as far as the model, or the drawing on it, needs.
    /// - Throws: `ImageCodecError`.
    public func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits = ImageLimits(), appliesOrientation: Bool = true,
        inFull: Bool = false
    ) throws(ImageCodecError) -> Image {
        let model = segmenter.model
        return try Image(
            decoding: bytes, limits: limits, applyOrientation: appliesOrientation,
            enough: inFull || decodesInFull ? nil : { model.transform(for: $0).sufficientSize })
    }
}
