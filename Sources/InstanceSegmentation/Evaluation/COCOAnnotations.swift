public import Imaging

/// Ground truth for a set of images, from a file in COCO's format.
///
/// The reader accepts what pycocotools accepts, in the same way: `true` is 1, ids may be fractions or strings,
/// annotations of unlisted images or categories do not count, and of equal ids the last one wins. Fields that
/// pycocotools requires and other tools omit (`area`, `iscrowd`, `bbox`, `segmentation`) are derived from the others.
public struct COCOAnnotations: Sendable {
    /// An image of the set.
    public struct Image: Sendable {
        /// The number by which objects refer to the image: its id if all ids are whole numbers, otherwise its position
        /// in the list.
        public let id: Int
        /// The id as written in the file.
        public let identifier: COCOIdentifier
        public let fileName: String
        /// The size stated in the file, which may be wrong; `nil` if it states none.
        public let size: ImageSize?
    }

    /// A ground-truth object.
    public struct Object: Sendable {
        public let imageID: Int
        public let categoryID: Int
        public let box: BoundingBox
        /// Width × height of the box as they stand in the file.
        let boxArea: Double
        /// The area stated in the file. It classifies the object as small, medium or large.
        public let area: Double
        /// Whether the object is a crowd. Detections inside a crowd count neither as correct nor as wrong.
        public let isCrowd: Bool
        /// Whether the object counts neither for nor against; crowds do not.
        let isIgnored: Bool
        /// Whether its id is 0, which COCO's evaluation takes for no match.
        let hasZeroID: Bool
        /// The object's pixels; `nil` if only the box is known.
        public let mask: Mask?
    }

    /// The images, in the order of their ids.
    public let images: [Image]
    /// The ids of images as written in the file.
    public let imageIdentifiers: [Int: COCOIdentifier]
    public let objects: [Object]
    /// Category names by id; an empty name where the file has none.
    public let categories: [Int: String]
    /// The ids of categories as written in the file.
    public let categoryIdentifiers: [Int: COCOIdentifier]
    /// Sentences about unusual contents of the file and how they are interpreted.
    public let notes: [String]

    /// Category ids by name; for equal names, the lowest id.
    public var categoriesByName: [String: Int] {
        Dictionary(categories.sorted { $0.key < $1.key }.map { ($0.value, $0.key) }) { first, _ in first }
    }

    /// The objects of each image, by image id.
    public var objectsByImage: [Int: [Object]] { Dictionary(grouping: objects, by: \.imageID) }

    init(
        images: [Image], objects: [Object], categories: [Int: String],
        categoryIdentifiers: [Int: COCOIdentifier], notes: [String]
    ) {
        self.images = images
        imageIdentifiers = Dictionary(images.map { ($0.id, $0.identifier) }) { first, _ in first }
        self.objects = objects
        self.categories = categories
        self.categoryIdentifiers = categoryIdentifiers
        self.notes = notes
    }
}
