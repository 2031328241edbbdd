import Foundation
import HTTPTypes
import HummingbirdTesting
import ImageCodecs
import Imaging
import InstanceSegmentation
import NIOCore
import TestSupport
import Testing

@testable import AnnotationFormats
@testable import HTTPServer

/// Files of other tools. Tests/Clients/formats_check.py reads each back with the tool that owns it.
@Suite(.timeLimit(.minutes(1))) struct ExportTests {
    /// A ring with a hole, and a part by itself.
    private func exported(_ simplification: Double? = nil) -> ExportedImage {
        let rows = ["#####...", "#...#...", "#...#..#", "#####..#"]
        let size = ImageSize(width: 8, height: 4)
        let mask = Mask(imageSize: size, pixels: rows.flatMap { $0.utf8.map { $0 == 35 ? 1 : 0 } })
        let box = BoundingBox(x1: 0, y1: 0, x2: 8, y2: 4)
        let second = Mask(imageSize: size, top: 1, rows: [[Mask.Run(start: 1, end: 3)], [Mask.Run(start: 1, end: 3)]])
        let detections = [
            Detection(classID: 1, className: "a \"b\" & <c>", confidence: 0.9, box: box, mask: mask),
            Detection(
                classID: 0, className: "plain", confidence: 0.5, box: BoundingBox(x1: 1, y1: 1, x2: 3, y2: 3),
                mask: second),
        ]
        return ExportedImage(
            file: "x & y.jpg",
            segmentation: Segmentation(imageSize: size, detections: detections, timing: StageTiming()),
            classNames: ["plain", "a \"b\" & <c>"], image: RasterImage(size: size, color: .white),
            simplification: simplification)
    }

    private func json(_ format: ExportFormat) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(try format.file(for: exported()))) as? [String: Any])
    }

    @Test func cocoHasPolygonsAndRunLengthsWhereThereAreHoles() throws {
        let coco = try json(.coco)
        let annotations = try #require(coco["annotations"] as? [[String: Any]])
        let runs = try #require(annotations[0]["segmentation"] as? [String: Any])
        let counts = try #require(runs["counts"] as? String)
        let decoded = RunLengthEncoding(size: ImageSize(width: 8, height: 4), compressedCounts: counts)
        #expect(decoded?.mask.pixels == exported().objects[0].mask.pixels)
        #expect((annotations[1]["segmentation"] as? [[Double]])?[0].count == 8)
        #expect(annotations.map { $0["category_id"] as? Int } == [2, 1] && annotations[1]["area"] as? Int == 4)
        #expect((coco["categories"] as? [[String: Any]])?.map { $0["id"] as? Int } == [1, 2])
    }

    @Test func geoJSONHasHolesAndParts() throws {
        let features = try #require(try json(.geojson)["features"] as? [[String: Any]])
        let geometry = try #require(features[0]["geometry"] as? [String: Any])
        #expect(geometry["type"] as? String == "MultiPolygon")
        let parts = try #require(geometry["coordinates"] as? [[[[Double]]]])
        #expect(parts.map(\.count) == [2, 1] && parts.allSatisfy { $0.allSatisfy { $0.first == $0.last } })
        #expect((features[1]["geometry"] as? [String: Any])?["type"] as? String == "Polygon")
    }

    @Test func theOthersAreWhatTheirToolsRead() throws {
        let labelme = try #require(try json(.labelme)["shapes"] as? [[String: Any]])
        #expect(labelme.map { $0["shape_type"] as? String } == ["mask", "polygon"])
        #expect((labelme[0]["points"] as? [[Double]]) == [[0, 0], [7, 3]])
        let png = try #require((labelme[0]["mask"] as? String).flatMap { Data(base64Encoded: $0) })
        let pixels = try RasterImage(decoding: [UInt8](png)).pixels
        #expect(
            stride(from: 0, to: pixels.count, by: 3).map { pixels[$0] == 255 ? 1 : 0 }
                == exported().objects[0].mask.pixels)
        let cvat = String(decoding: try ExportFormat.cvat.file(for: exported()), as: UTF8.self)
        #expect(cvat.contains(#"name="x &amp; y.jpg" width="8" height="4""#) && cvat.contains("&lt;c&gt;"))
        #expect(
            cvat.contains(#"rle="0, 5, 3, 1, 3, 1, 3, 1, 3, 1, 2, 6, 2, 1""#)
                && cvat.contains("<polygon label=\"plain\""))
        let yolo = String(decoding: try ExportFormat.yolo.file(for: exported()), as: UTF8.self).split(separator: "\n")
        #expect(yolo.count == 2 && yolo[1].hasPrefix("0 ") && yolo[1].split(separator: " ").count == 9)
        let numbers = try RasterImage(decoding: try ExportFormat.mask.file(for: exported()))
        #expect(numbers.pixels[0] == 1 && numbers.pixels[3 * 9] == 2 && numbers.pixels[3 * 6] == 0)
        #expect(try exported().cutouts().map { try RasterImage(decoding: $0.file).size.description } == ["8x4", "2x2"])
        #expect(try ExportFormat.coco.file(for: []).isEmpty)
    }

    @Test func partsOfAnObjectShareAGroupInLabelMe() throws {
        let size = ImageSize(width: 6, height: 1)
        let mask = Mask(imageSize: size, pixels: [1, 1, 0, 0, 1, 0])
        let found = Detection(
            classID: 0, className: "a", confidence: 1, box: BoundingBox(x1: 0, y1: 0, x2: 6, y2: 1), mask: mask)
        let picture = ExportedImage(
            file: "a.jpg", path: "../in/a.jpg",
            segmentation: Segmentation(imageSize: size, detections: [found], timing: StageTiming()), classNames: ["a"])
        let file =
            try JSONSerialization.jsonObject(with: Data(try ExportFormat.labelme.file(for: picture))) as? [String: Any]
        #expect((file?["shapes"] as? [[String: Any]])?.map { $0["group_id"] as? Int } == [1, 1])
        #expect(file?["imagePath"] as? String == "../in/a.jpg")
    }

    @Test func namesOfClassesNeverBreakALine() {
        let names = ["a\nb", "", " ", "c\r\u{85}\u{2028}d", "ü", "\u{0B}x\u{1C}"]
        let list = String(decoding: YOLODataset.classList(names), as: UTF8.self)
        #expect(list == "a b\nclass_1\nclass_2\nc   d\nü\n x \n")
        let description = String(
            decoding: YOLODataset.description(["a\n\"b\\", "ü\u{85}", "no"], images: "../i: #m"), as: UTF8.self)
        #expect(
            description == "train: \"../i: #m\"\nval: \"../i: #m\"\nnc: 3\nnames:\n"
                + "  0: \"a\\u000a\\\"b\\\\\"\n  1: \"ü\\u0085\"\n  2: \"no\"\n")
        #expect(YOLODataset.classList([]).isEmpty)
    }

    @Test func cvatListsItsLabelsAndKeepsOnlyWhatXMLAllows() throws {
        let size = ImageSize(width: 2, height: 2)
        let found = Detection(
            classID: 0, className: "a\n<b>\u{1}\u{FFFF}&\"", confidence: 0.5,
            box: BoundingBox(x1: 0, y1: 0, x2: 2, y2: 2),
            mask: Mask(imageSize: size, pixels: [1, 1, 1, 1]))
        let picture = ExportedImage(
            file: "a\tb\r\n.jpg",
            segmentation: Segmentation(imageSize: size, detections: [found], timing: StageTiming()),
            classNames: [])
        let text = String(decoding: try ExportFormat.cvat.file(for: picture), as: UTF8.self)
        let label = "a&#10;&lt;b&gt;\u{FFFD}\u{FFFD}&amp;&quot;"
        #expect(text.contains("<label><name>\(label)</name>") && text.contains("label=\"\(label)\""))
        #expect(text.contains("name=\"a&#9;b&#13;&#10;.jpg\""))
    }

    @Test func theServerGivesThemByTheirNames() async throws {
        try await TestServer.whenReady(try await TestServer.application()) { client in
            for format in ExportFormat.allCases {
                let response = try await client.execute(
                    uri: "/m/1?format=\(format.rawValue)&name=p.png", method: .post, body: TestServer.base64)
                #expect(response.status == .ok && response.headers[.contentType] == format.mediaType, "\(format)")
                #expect(response.body.readableBytes > 20)
            }
            for (query, status) in [
                ("simplify=2", 200), ("simplify=-1", 422), ("simplify=x", 422), ("tile=640", 200),
                ("tile=64&tile_overlap=20", 200),
                ("tile=3", 422), ("tile=abc", 422), ("tile=640&tile_overlap=95", 422),
            ] {
                let response = try await client.execute(uri: "/m/1?\(query)", method: .post, body: TestServer.base64)
                #expect(response.status.code == status, "\(query)")
            }
            let large = try RasterImage.gradient(width: 3000, height: 2000).encoded(as: .jpeg)
            let many = try await client.execute(
                uri: "/m/1?tile=64&tile_overlap=0.8", method: .post, body: ByteBuffer(bytes: large))
            #expect(many.status.code == 422 && String(buffer: many.body).contains("tiles"))
        }
    }
}
