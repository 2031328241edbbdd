import Foundation
import Imaging
import TestSupport
import Testing

@testable import InstanceSegmentation

/// Files with oddities give pycocotools' numbers; what it refuses is refused with the id of the annotation
/// (scripts/make_odd_annotations.py, which also makes many more files at random: `ODD_ANNOTATIONS` names them).
@Suite struct OddAnnotationTests {
    private struct Fixture: Decodable {
        struct Detection: Decodable {
            let image: Int
            let category: Int
            let score: Double
            let bbox: [Double]
            let size: [Int]
            let counts: String
        }
        /// A text in place of a part of the usual file.
        struct Case: Decodable {
            let name: String
            let start: Int
            let middle: String
            let end: Int
            let images: [Identifier]
            let categories: [Identifier]
            let culprit: Identifier?
            let lenient: Bool
            let segm: [Double]?
            let bbox: [Double]?
        }
        enum Identifier: Decodable {
            case number(Double)
            case integer(Int)
            case text(String)
            case other

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    self = .other
                } else if let value = try? container.decode(Int.self) {
                    self = .integer(value)
                } else if let value = try? container.decode(Double.self) {
                    self = .number(value)
                } else if let value = try? container.decode(String.self) {
                    self = .text(value)
                } else {
                    self = .other
                }
            }

            var id: COCOIdentifier? {
                switch self {
                case .integer(let value): .integer(value)
                case .number(let value): COCOIdentifier(.number(value))
                case .text(let value): .text(value)
                case .other: nil
                }
            }
        }
        let text: String
        let detections: [Detection]
        let cases: [Case]
    }

    private let fixture: Fixture

    init() throws {
        let file =
            ProcessInfo.processInfo.environment["ODD_ANNOTATIONS"].map { URL(filePath: $0) }
            ?? TestFiles.fixture("odd-annotations.json")
        fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file))
    }

    private func candidates(_ odd: Fixture.Case, _ truth: COCOAnnotations) throws -> [AveragePrecision.Candidate] {
        let pictures = Dictionary(truth.imageIdentifiers.map { ($0.value, $0.key) }) { first, _ in first }
        let categories = Dictionary(truth.categoryIdentifiers.map { ($0.value, $0.key) }) { first, _ in first }
        return try fixture.detections.compactMap { detection in
            guard let picture = odd.images[detection.image].id.flatMap({ pictures[$0] }),
                let category = odd.categories[detection.category].id.flatMap({ categories[$0] })
            else { return nil }
            let size = ImageSize(width: detection.size[1], height: detection.size[0])
            let mask = try #require(RunLengthEncoding(size: size, compressedCounts: detection.counts)).mask
            let b = detection.bbox
            return AveragePrecision.Candidate(
                imageID: picture, categoryID: category, confidence: detection.score,
                box: BoundingBox(x1: b[0], y1: b[1], x2: b[0] + b[2], y2: b[1] + b[3]), mask: mask)
        }
    }

    @Test func whatPycocotoolsTakesIsTakenWithItsNumbers() throws {
        let folder = try TestFiles.temporaryFolder()
        var (taken, refused) = (0, 0)
        for (number, odd) in fixture.cases.enumerated() {
            let text = fixture.text.prefix(odd.start) + odd.middle + fixture.text.suffix(odd.end)
            let file = folder.appending(path: "\(number).json")
            try Data(text.utf8).write(to: file)
            let truth: COCOAnnotations
            do {
                truth = try COCOAnnotations(contentsOf: file)
            } catch {
                // Where masks or boxes are refused, refusing the file is right. So it is for sizes that nothing has.
                let isRefused = odd.segm == nil || odd.bbox == nil || odd.name.contains("size 1e12")
                #expect(isRefused, "\(odd.name) was refused: \(error)")
                if let culprit = odd.culprit?.id {
                    #expect("\(error)".contains("Annotation \(culprit) of"), "\(odd.name): \(error)")
                } else {
                    #expect("\(error)".contains("Annotation "), "\(odd.name): \(error)")
                }
                refused += 1
                continue
            }
            taken += 1
            if odd.segm == nil, odd.bbox == nil { #expect(odd.lenient, "\(odd.name) was not refused") }
            let found = try candidates(odd, truth)
            for (shape, expected) in [(AveragePrecision.Shape.mask, odd.segm), (.box, odd.bbox)] {
                guard let expected else { continue }
                let values = AveragePrecision(found, against: truth, shape: shape).values.map { $0 ?? -1 }
                for (name, (ours, theirs)) in zip(AveragePrecision.names, zip(values, expected)) {
                    #expect(abs(ours - theirs) < 1e-6, "\(odd.name), \(shape) \(name): \(ours), expected \(theirs)")
                }
            }
        }
        #expect(taken > 80 && refused > 10)
    }

    private func read(_ annotation: String, image: String = #""width":10,"height":8"#) throws -> COCOAnnotations {
        let file = try TestFiles.temporaryFolder().appending(path: "a.json")
        let text =
            #"{"images":[{"id":1,"file_name":"a.jpg",\#(image)}],"categories":[{"id":1,"name":"a"}],"annotations":[{"id":77,"#
            + #""image_id":1,"category_id":1,\#(annotation)}]}"#
        try Data(text.utf8).write(to: file)
        return try COCOAnnotations(contentsOf: file)
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            #""bbox":[1,2,3]"#, #""bbox":[1,2,3,null]"#, #""bbox":"1 2 3 4""#, #""bbox":[1,2,3,NaN]"#, #""area":5"#,
            #""segmentation":[[0,0,1e30,0,1e30,1e30]]"#, #""segmentation":[[0,0,-1e300,0,9,9]]"#,
            #""segmentation":[[0,0,NaN,0,9,9]]"#,
            #""segmentation":{"counts":[-5,85],"size":[8,10]}"#, #""segmentation":{"counts":[0,1e12],"size":[8,10]}"#,
            #""segmentation":{"counts":[9223372036854775807,9223372036854775807],"size":[8,10]}"#,
            #""segmentation":{"counts":[0,1e300],"size":[8,10]}"#, #""segmentation":{"counts":[NaN],"size":[8,10]}"#,
            #""segmentation":{"counts":[80],"size":[1e12,1e12]}"#, #""segmentation":{"counts":[80],"size":[8]}"#,
            #""segmentation":{"counts":[80],"size":[-8,-10]}"#,
            #""segmentation":{"counts":"oooooooooooooooooo","size":[8,10]}"#,
            #""segmentation":{"counts":null,"size":[8,10]}"#, #""segmentation":{"size":[8,10]}"#,
            #""segmentation":[{"counts":"1"}]"#,
            #""segmentation":[[1,2,3,4],[1,2,3,4,5,6]]"#, #""segmentation":[[1,2,3,4,5,6],7]"#,
            #""segmentation":[[1,2]]"#,
            #""bbox":[0,0,1,1],"iscrowd":"x""#, #""bbox":[0,0,1,1],"iscrowd":1e300"#, #""bbox":[0,0,1,1],"area":"5""#,
            #""bbox":[0,0,1,1],"area":[]"#, #""bbox":[0,0,1,1],"iscrowd":{}"#,
        ])
    func whatCannotBeUsedIsRefusedWithItsID(annotation: String) {
        #expect { try read(annotation) } throws: { "\($0)".contains("Annotation 77 of") }
    }

    @Test(.timeLimit(.minutes(1))) func enormousImagesTakeNoMemory() throws {
        let size = #""width":65535,"height":65535"#
        let ring = try read(#""segmentation":[[0,0,4e8,0,4e8,4e8,-4e8,4e8]]"#, image: size)
        #expect((ring.objects[0].mask?.area ?? 0) > 1_000_000_000)
        let full = try read(#""segmentation":{"counts":[0,4294836225],"size":[65535,65535]}"#, image: size)
        #expect(full.objects[0].mask?.area == 65_535 * 65_535)
        // A column on, a column off: four thousand million runs out of some kilobytes.
        let stripes = (0..<65_535).map { _ in "65535" }.joined(separator: ",")
        #expect { try read(#""segmentation":{"counts":[\#(stripes)],"size":[65535,65535]}"#, image: size) } throws: {
            "\($0)".contains("Annotation 77 of") && "\($0)".contains("finely")
        }
        let zigzag = (0..<2000).map { "\($0 % 2 == 0 ? 0 : 65535),\($0 * 30)" }.joined(separator: ",")
        #expect { try read(#""segmentation":[[\#(zigzag)]]"#, image: size) } throws: {
            "\($0)".contains("Annotation 77 of")
        }
    }

    @Test(arguments: [
        "", "{", "[]", "5", "{}", #"{"images":5}"#, #"{"images":[5]}"#, #"{"images":[{"id":1}]}"#, #"{"images":[],}"#,
        #"{"images":[{"id":1,"file_name":"a"},{"id":"1","file_name":"b"}]}"#,
        #"{"annotations":[{"id":1,"image_id":1}]}"#,
        #"{"images":["\ud800"#, "{\"images\":[01]}", #"{"images":[1.]}"#, #"{"images":[--1]}"#,
    ])
    func whatIsNotAFileOfAnnotationsIsRefused(text: String) throws {
        let file = try TestFiles.temporaryFolder().appending(path: "a.json")
        try Data(text.utf8).write(to: file)
        #expect(throws: SegmentationError.self) { try COCOAnnotations(contentsOf: file) }
    }

    @Test func whatIsUnusualIsCounted() throws {
        let truth = try read(#""segmentation":[[1,1,6,1,6,6]]"#)
        #expect(truth.notes.count == 2 && truth.notes[0].contains("no area") && truth.notes[1].contains("no box"))
        #expect(truth.objects[0].area == Double(truth.objects[0].mask?.area ?? 0) && truth.objects[0].box.width > 3)
    }
}
