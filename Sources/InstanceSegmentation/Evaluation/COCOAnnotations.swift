public import Foundation
public import Imaging

/// True objects of a set of pictures, from a file in COCO's format.
public struct COCOAnnotations: Sendable {
    /// A picture of the set.
    public struct Picture: Sendable {
        public let id: Int
        public let fileName: String
        public let size: ImageSize
    }

    /// A true object.
    public struct Object: Sendable {
        public let pictureID: Int
        public let categoryID: Int
        public let box: BoundingBox
        /// As the file says it; it decides between small, medium and large.
        public let area: Double
        /// A crowd: detections inside it count neither for nor against.
        public let isCrowd: Bool
        /// `nil` where only the box is known.
        public let mask: Mask?
    }

    public let pictures: [Picture]
    public let objects: [Object]
    /// Names by id.
    public let categories: [Int: String]

    /// Reads an `instances.json`.
    /// - Throws: `SegmentationError.invalidConfiguration` where it is not one.
    public init(contentsOf url: URL) throws {
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
        } catch {
            throw SegmentationError.invalidConfiguration("\(url.path) is no file of COCO annotations: \(error)")
        }
        pictures = try file.images.map { image in
            let sides = Self.sides
            guard sides.contains(image.width), sides.contains(image.height) else {
                throw SegmentationError.invalidConfiguration(
                    "The image \(image.file_name) has a size of \(image.width) x \(image.height) in \(url.path); sides from 1 to "
                        + "\(sides.upperBound) are accepted.")
            }
            return Picture(
                id: image.id, fileName: image.file_name, size: ImageSize(width: image.width, height: image.height))
        }.sorted { $0.id < $1.id }
        let sizes = Dictionary(pictures.map { ($0.id, $0.size) }) { first, _ in first }
        categories = Dictionary(file.categories.map { ($0.id, $0.name) }) { first, _ in first }
        objects = try file.annotations.map { annotation in
            guard let size = sizes[annotation.image_id], annotation.bbox.count == 4,
                annotation.bbox.allSatisfy({ $0.magnitude <= Self.farthest })
            else {
                throw SegmentationError.invalidConfiguration(
                    "Annotation \(annotation.id) of \(url.path) has no picture or no box.")
            }
            let b = annotation.bbox
            return Object(
                pictureID: annotation.image_id, categoryID: annotation.category_id,
                box: BoundingBox(x1: b[0], y1: b[1], x2: b[0] + b[2], y2: b[1] + b[3]),
                area: annotation.area ?? b[2] * b[3], isCrowd: annotation.iscrowd == 1,
                mask: try annotation.segmentation?.mask(size: size))
        }
    }

    /// Accepted sides of an image.
    private static let sides = 1...65_535
    /// The largest coordinate that is accepted; rings may reach beyond their image, but not without bounds.
    private static let farthest = 1e6

    private struct File: Decodable {
        struct Image: Decodable {
            let id: Int
            let file_name: String
            let width: Int
            let height: Int
        }
        struct Category: Decodable {
            let id: Int
            let name: String
        }
        struct Annotation: Decodable {
            let id: Int
            let image_id: Int
            let category_id: Int
            let bbox: [Double]
            let area: Double?
            let iscrowd: Int?
            let segmentation: Shape?
        }
        let images: [Image]
        let categories: [Category]
        let annotations: [Annotation]
    }

    /// Rings, or runs that may be compressed.
    private enum Shape: Decodable {
        case rings([[Double]])
        case counts(size: [Int], [Int])
        case compressed(size: [Int], String)

        private enum Key: String, CodingKey { case size, counts }

        init(from decoder: any Decoder) throws {
            if let rings = try? decoder.singleValueContainer().decode([[Double]].self) {
                self = .rings(rings)
                return
            }
            let container = try decoder.container(keyedBy: Key.self)
            let size = try container.decode([Int].self, forKey: .size)
            if let text = try? container.decode(String.self, forKey: .counts) {
                self = .compressed(size: size, text)
            } else {
                self = .counts(size: size, try container.decode([Int].self, forKey: .counts))
            }
        }

        func mask(size: ImageSize) throws -> Mask? {
            switch self {
            case .rings(let rings):
                guard !rings.isEmpty else { return nil }
                guard rings.joined().allSatisfy({ $0.magnitude <= farthest }) else {
                    throw SegmentationError.invalidConfiguration(
                        "A polygon has a coordinate beyond \(farthest), far outside of its image of \(size).")
                }
                return rings.map { RunLengthEncoding(size: size, cocoRing: $0).mask }.reduce(
                    Mask(imageSize: size, top: 0, rows: [])
                ) { $0.union($1) }
            case .counts(let stated, let counts):
                guard stated == [size.height, size.width], counts.allSatisfy({ (0...size.area).contains($0) }),
                    counts.count <= size.area + 2, counts.reduce(0, +) == size.area
                else {
                    throw SegmentationError.invalidConfiguration("Run lengths do not fill their picture of \(size).")
                }
                return RunLengthEncoding(size: size, counts: counts).mask
            case .compressed(let stated, let text):
                guard stated == [size.height, size.width],
                    let runs = RunLengthEncoding(size: size, compressedCounts: text)
                else {
                    throw SegmentationError.invalidConfiguration("Run lengths do not fill their picture of \(size).")
                }
                return runs.mask
            }
        }
    }
}
