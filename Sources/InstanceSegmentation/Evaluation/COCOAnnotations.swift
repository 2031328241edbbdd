public import Imaging

/// True objects of a set of images, from a file in COCO's format.
///
/// Whatever pycocotools reads is read in the same way, oddities included: `true` is 1, ids may be fractions or texts, annotations of
/// images or categories that are not listed do not count, and of equal ids the last stands for all. Where pycocotools needs a field
/// that other tools leave out (`area`, `iscrowd`, `bbox`, `segmentation`), its place is taken by what the others imply.
public struct COCOAnnotations: Sendable {
    /// An image of the set.
    public struct Image: Sendable {
        /// The number by which objects refer to the image: its id where all ids are whole numbers, else its place.
        public let id: Int
        /// The id as the file has it.
        public let identifier: COCOIdentifier
        public let fileName: String
        /// As the file says it, which need not be true; `nil` where it does not say.
        public let size: ImageSize?
    }

    /// A true object.
    public struct Object: Sendable {
        public let imageID: Int
        public let categoryID: Int
        public let box: BoundingBox
        /// Width × height of the box as they stand in the file.
        let boxArea: Double
        /// As the file says it; it decides between small, medium and large.
        public let area: Double
        /// A crowd: detections inside it count neither for nor against.
        public let isCrowd: Bool
        /// Whether the object counts neither for nor against; crowds do not.
        let isIgnored: Bool
        /// Whether its id is 0, which COCO's evaluation takes for no match.
        let hasZeroID: Bool
        /// `nil` where only the box is known.
        public let mask: Mask?
    }

    /// By id.
    public let images: [Image]
    /// Ids of images as the file has them.
    public let imageIdentifiers: [Int: COCOIdentifier]
    public let objects: [Object]
    /// Names by id; an empty name where the file has none.
    public let categories: [Int: String]
    /// Ids of categories as the file has them.
    public let categoryIdentifiers: [Int: COCOIdentifier]
    /// Sentences on what is unusual in the file and how it counts.
    public let notes: [String]

    /// Categories by name; of equal names the one with the lowest id.
    public var categoriesByName: [String: Int] {
        Dictionary(categories.sorted { $0.key < $1.key }.map { ($0.value, $0.key) }) { first, _ in first }
    }

    /// The objects of each image, by its id.
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
