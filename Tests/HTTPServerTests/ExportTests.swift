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
    private func exported(_ simplification: Double? = nil) -> ExportedPicture {
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
        return ExportedPicture(
            file: "x & y.jpg",
            segmentation: Segmentation(imageSize: size, detections: detections, timing: StageTiming()),
            classNames: ["plain", "a \"b\" & <c>"], picture: Image(size: size, color: .white),
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
        #expect(labelme.map { $0["group_id"] as? Int } == [1, 1, nil])
        let cvat = String(decoding: try ExportFormat.cvat.file(for: exported()), as: UTF8.self)
        #expect(cvat.contains(#"name="x &amp; y.jpg" width="8" height="4""#) && cvat.contains("&lt;c&gt;"))
        #expect(
            cvat.contains(#"rle="0, 5, 3, 1, 3, 1, 3, 1, 3, 1, 2, 6, 2, 1""#)
                && cvat.contains("<polygon label=\"plain\""))
        let yolo = String(decoding: try ExportFormat.yolo.file(for: exported()), as: UTF8.self).split(separator: "\n")
        #expect(yolo.count == 2 && yolo[1].hasPrefix("0 ") && yolo[1].split(separator: " ").count == 9)
        let numbers = try Image(decoding: try ExportFormat.mask.file(for: exported()))
        #expect(numbers.pixels[0] == 1 && numbers.pixels[3 * 9] == 2 && numbers.pixels[3 * 6] == 0)
        #expect(try exported().cutouts().map { try Image(decoding: $0.file).size.description } == ["8x4", "2x2"])
        #expect(try ExportFormat.coco.file(for: []).isEmpty)
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
            let large = try Image.gradient(width: 3000, height: 2000).encoded(as: .jpeg)
            let many = try await client.execute(
                uri: "/m/1?tile=64&tile_overlap=0.8", method: .post, body: ByteBuffer(bytes: large))
            #expect(many.status.code == 422 && String(buffer: many.body).contains("tiles"))
        }
    }
}
