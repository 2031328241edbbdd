public import Imaging

/// The resize mode of a package of Roboflow's newer engine (`inference_config.json`). The meaning of a mode depends on
/// the family.
///
/// Source: `inference-models` 0.39.6, `models/common/roboflow/pre_processing.py`, `models/rfdetr/pre_processing.py`, and the modes that
/// each family's `from_pretrained` accepts.
public struct RoboflowPackage: Hashable, Sendable {
    /// The modes, with their names in the file.
    public enum Mode: String, CaseIterable, Sendable {
        case stretch
        case letterbox
        case centerCrop = "center-crop"
        case fitLongerEdge = "fit-longer-edge"
        /// Padded by the engine in the same way as `letterbox`.
        case letterboxReflectEdges = "letterbox-reflect-edges"
    }

    public var mode: Mode
    /// The size of the images in the dataset version that the model was trained on. Families that stretch images to
    /// their own input repeat that resize first.
    public var versionSize: ImageSize?
    /// The byte that pads images whose aspect ratio is kept.
    public var padding: UInt8
    /// Whether bytes are normalized with a mean and a standard deviation.
    public var isNormalized: Bool

    public init(mode: Mode, versionSize: ImageSize? = nil, padding: UInt8 = 0, isNormalized: Bool = false) {
        self.mode = mode
        self.versionSize = versionSize
        self.padding = padding
        self.isNormalized = isNormalized
    }

    /// The way of resizing for families whose input has the size of the training's images, and the byte around them.
    var resize: (ModelSettings.Resize, padding: UInt8) {
        switch mode {
        case .stretch: (.stretch, padding)
        case .letterbox, .letterboxReflectEdges: (.letterbox, padding)
        case .centerCrop: (.centerCrop, 0)
        // The engine's substitute: gray bars.
        case .fitLongerEdge: (.letterbox, 127)
        }
    }

    /// The resize that precedes the stretch to the input, for families that stretch (RF-DETR); `nil` if there is no such resize.
    var firstResize: InputGeometry? {
        guard let versionSize, mode != .stretch, mode != .fitLongerEdge else { return nil }
        return InputGeometry(
            box: versionSize, resize: resize.0, rounding: .truncated, divisor: nil, stretchesToDivisor: false,
            edges: (1, 1))
    }
}
