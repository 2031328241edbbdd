/// The families of networks that can be decoded, and how each is recognised.
///
/// To add one: write its decoder, add a case, and say in `recognized(in:)` what it looks like.
public enum ModelFamily: String, CaseIterable, Sendable {
    /// YOLOv8, YOLO11, YOLO12 and others: one column an anchor, with prototypes.
    case yolo

    /// What the family's files look like, for error messages.
    var layout: String {
        switch self {
        case .yolo:
            "YOLOv8/11/12-seg (outputs [batch, 4 + classes + coefficients, anchors] and [batch, coefficients, height, width])"
        }
    }

    /// The family of a file; the first that fits.
    static func recognized(in model: ModelDescription) -> ModelFamily? {
        allCases.first { $0.fits(model) }
    }

    private func fits(_ model: ModelDescription) -> Bool {
        switch self {
        case .yolo: YOLOSegmentation.fits(model)
        }
    }

    /// The decoder for a file.
    ///
    /// - Parameter usesSquareInput: whether networks that take any shape get the full square rather than the smallest
    ///   rectangle around the picture.
    /// - Throws: `SegmentationError`, which says what was found and what was looked for.
    public static func model(
        for description: ModelDescription, usesSquareInput: Bool = false
    ) throws -> any SegmentationModel {
        let configuration = try ModelConfiguration(metadata: description.metadata)
        if let task = configuration.task, task != "segment" {
            throw SegmentationError.invalidConfiguration(
                "This is a model for the task '\(task)'; it has no masks. Instance segmentation needs one for 'segment'."
            )
        }
        guard let family = recognized(in: description) else {
            throw SegmentationError.unrecognizedModel(
                found: description.summary, expected: allCases.map(\.layout).joined(separator: "; "))
        }
        switch family {
        case .yolo:
            return try YOLOSegmentation(description, configuration, usesSquareInput: usesSquareInput)
        }
    }
}
