public import InstanceSegmentation

/// Class names by index: the model's names, completed by the names in the detections if the model does not know all of
/// them.
public struct ExportedClasses: Sendable {
    private let known: [String]
    /// Names by index, from the first that the model has no name for.
    private var found: [Int: String] = [:]

    /// Starts with the class names of a model.
    ///
    /// - Parameter known: the model's names, by class index.
    public init(_ known: [String]) {
        self.known = known
    }

    /// Adds the classes of detections for which the model has no name.
    public mutating func add(_ detections: some Sequence<Detection>) {
        for detection in detections where detection.classID >= known.count && found[detection.classID] == nil {
            found[detection.classID] = detection.className
        }
    }

    /// The classes with a name, by index.
    public var named: [(id: Int, name: String)] {
        known.enumerated().map { (id: $0.offset, name: $0.element) }
            + found.sorted { $0.key < $1.key }.map { (id: $0.key, name: $0.value) }
    }

    /// One name per index up to the last class; classes without a name are called by their number.
    public var list: [String] {
        let last = found.keys.max().map { min($0, ModelLimits.slots - 1) } ?? -1
        return known + (known.count..<max(known.count, last + 1)).map { found[$0] ?? String($0) }
    }
}

extension ExportedClasses {
    /// The classes of images and of what was found in them.
    init(_ images: [ExportedImage]) {
        self.init(images.first?.classNames ?? [])
        for image in images { add(image.segmentation.detections) }
    }
}
