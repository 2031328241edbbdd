public import Foundation
import Imaging

extension COCOAnnotations {
    /// Largest file that is read, in bytes.
    private static let maxFileSize = 2 << 30

    /// Reads an `instances.json`.
    /// - Throws: `SegmentationError.invalidConfiguration`, with the id of an annotation that is invalid.
    public init(contentsOf url: URL) throws {
        let path = url.path
        let bytes: Data
        do throws(OrdinaryFile.Failure) {
            bytes = try OrdinaryFile.read(path, limit: Self.maxFileSize)
        } catch {
            let reason =
                switch error {
                case .system(let code): String(cString: strerror(code))
                case .notOrdinary: "it is not a regular file"
                case .tooLarge(let size): "it has \(size) bytes; at most \(Self.maxFileSize) are accepted"
                }
            throw SegmentationError.invalidConfiguration("\(path) cannot be read: \(reason).")
        }
        self = try bytes.withUnsafeBytes { try Self.read($0, path: path) }
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, path: String) throws -> COCOAnnotations {
        let content: JSONValue
        do throws(JSONReader.Failure) {
            content = try JSONReader.value(of: bytes)
        } catch {
            let line = 1 + bytes.prefix(error.offset).count { $0 == 10 }
            throw SegmentationError.invalidConfiguration(
                "\(path) is not a file of COCO annotations: expected \(error.expected) at byte \(error.offset) (line \(line))."
            )
        }
        guard case .object(let members) = content,
            ["images", "annotations", "categories"].contains(where: { members[$0] != nil })
        else {
            throw SegmentationError.invalidConfiguration(
                "\(path) is not a file of COCO annotations: expected an object with 'images', 'annotations' and 'categories'."
            )
        }
        do throws(AnnotationFault) {
            return try AnnotationReader(members).read()
        } catch {
            throw SegmentationError.invalidConfiguration("\(error.subject) of \(path): \(error.reason).")
        }
    }
}
