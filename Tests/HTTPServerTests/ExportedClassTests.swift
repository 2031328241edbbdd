import AnnotationFormats
import Foundation
import Imaging
import InstanceSegmentation
import Testing

/// Files of other tools name every class that an object in them has.
@Suite struct ExportedClassTests {
    private func picture(_ classes: [(id: Int, name: String)], names: [String]) -> ExportedImage {
        let size = ImageSize(width: 4, height: 4)
        let mask = Mask(imageSize: size, pixels: [UInt8](repeating: 1, count: 16))
        let box = BoundingBox(x1: 0, y1: 0, x2: 4, y2: 4)
        let detections = classes.map {
            Detection(classID: $0.id, className: $0.name, confidence: 0.9, box: box, mask: mask)
        }
        return ExportedImage(
            file: "a.jpg", segmentation: Segmentation(imageSize: size, detections: detections, timing: StageTiming()),
            classNames: names)
    }

    private func categories(_ pictures: [ExportedImage]) throws -> [String] {
        let file = try JSONSerialization.jsonObject(with: Data(ExportFormat.coco.file(for: pictures)))
        let object = try #require(file as? [String: Any])
        let categories = try #require(object["categories"] as? [[String: Any]])
        let ids = Set(categories.compactMap { $0["id"] as? Int })
        for annotation in try #require(object["annotations"] as? [[String: Any]]) {
            #expect(ids.contains(annotation["category_id"] as? Int ?? -1), "\(annotation)")
        }
        return categories.map { "\($0["id"] ?? "") \($0["name"] ?? "")" }
    }

    @Test func cocoHasACategoryForEachAnnotation() throws {
        #expect(
            try categories([
                picture([(1, "b")], names: ["a", "b"]), picture([(4, "4"), (0, "a"), (3, "3")], names: ["a", "b"]),
            ]) == ["1 a", "2 b", "4 3", "5 4"])
        #expect(try categories([picture([(16, "16"), (2, "2")], names: [])]) == ["3 2", "17 16"])
        #expect(try categories([picture([], names: ["a"])]) == ["1 a"])
    }

    @Test func theListOfClassesReachesToTheLastThatWasFound() {
        func list(_ names: [String], _ found: [(id: Int, name: String)]) -> [String] {
            var classes = ExportedClasses(names)
            for one in found { classes.add(picture([one], names: names).segmentation.detections) }
            return classes.list
        }
        #expect(list(["a", "b"], [(4, "four"), (1, "x"), (4, "later")]) == ["a", "b", "2", "3", "four"])
        #expect(list([], [(1, "1")]) == ["0", "1"])
        #expect(list([], []).isEmpty && list(["a"], [(0, "a")]) == ["a"])
        // No network has so many.
        #expect(list(["a"], [(.max, "x")]).count == 65_536)
    }
}
