import Foundation
import Imaging
import InstanceSegmentation
import TestSupport
import Testing

@testable import ONNXRuntimeBackend
@testable import RuntimeSupport

/// Model files that would block the process or exhaust its memory, and files that declare what cannot be run.
@Suite(.timeLimit(.minutes(2))) struct HostileFileTests: HandmadeModels {
    private let backend: ONNXRuntimeBackend

    init() throws {
        backend = try ONNXRuntimeBackend(options: SessionOptions(threads: 1))
    }

    /// Opens a file and makes a segmenter of it, as the server does.
    private func segmenter(_ path: String) async throws -> Segmenter {
        try Segmenter(session: try await backend.load(modelAt: URL(filePath: path), concurrency: 1))
    }

    private func segmenter(_ bytes: Data) async throws -> Segmenter {
        let path = try TestFiles.temporaryFolder().appending(path: "model.onnx")
        try bytes.write(to: path)
        return try await segmenter(path.path)
    }

    @Test func aFileByHandIsAModel() async throws {
        let segmenter = try await segmenter(file(graph(input: [1, 3, 64, 64])))
        let found = try await segmenter.segment(RasterImage(size: ImageSize(width: 64, height: 64), color: .white))
        #expect(found.detections.map(\.className) == ["a"] && found.nonFiniteCount == 0)
        let infinite = try await self.segmenter(file(graph(input: [1, 3, 64, 64], confidence: .infinity)))
        let dropped = try await infinite.segment(RasterImage(size: ImageSize(width: 64, height: 64), color: .white))
        #expect(dropped.detections.isEmpty && dropped.nonFiniteCount == 1)
    }

    @Test(arguments: [1 << 20, (1 << 31) - 1, 1 << 62, 8193]) func anAbsurdSideIsRefusedBeforeAnythingRuns(side: Int)
        async throws
    {
        for shape in [
            [1, 3, side, side], [1, 3, 64, side], [1, 3, side, 64], [1, side, side, 3], [side, 3, 64, 64],
        ] {
            await #expect { try await segmenter(file(graph(input: shape))) } throws: {
                $0 is SegmentationError && "\($0)".contains("a dimension of \(side); at most 8192 is accepted")
            }
        }
    }

    @Test func absurdNamesAreRefused() async throws {
        for names in [#"{"9223372036854775807": "a"}"#, #"{"99999999999": "a"}"#] {
            await #expect { try await segmenter(file(graph(input: [1, 3, 64, 64]), names: names)) } throws: {
                "\($0)".contains("out of range; numbers from 0 to 65535 are accepted")
            }
        }
    }

    @Test func onlyOrdinaryFilesAreOpened() async throws {
        let bytes = file(graph(input: [1, 3, 64, 64]))
        func refusal(_ make: (String) throws -> Void) async throws -> String {
            let path = try TestFiles.temporaryFolder().appending(path: "model.onnx").path
            try make(path)
            do {
                _ = try await backend.load(modelAt: URL(filePath: path), concurrency: 1)
                return ""
            } catch { return "\(error)" }
        }
        func link(to target: String) async throws -> String {
            try await refusal { try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: target) }
        }
        let pipe = try await refusal { #expect(mkfifo($0, 0o600) == 0) }
        #expect(pipe == "The model file model.onnx is a named pipe; expected an ordinary file.")
        #expect(try await link(to: "/dev/zero").contains("is a device"))
        #expect(try await link(to: "/no/such/file").contains("is a link to a file that does not exist"))
        #expect(try await link(to: "model.onnx").contains("cannot be read"))
        #expect(try await refusal { try Data().write(to: URL(filePath: $0)) }.contains("model.onnx is empty"))
        #expect(try await refusal { try bytes.prefix(40).write(to: URL(filePath: $0)) }.contains("cannot be read"))
        let folder = try await refusal {
            try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false)
        }
        #expect(folder.contains("is a folder"))
    }

    @Test func moreEntriesThanAnyModelHasAreRefused() async throws {
        func many(_ number: Int, _ count: Int) -> Data {
            let entry = field(number, Data())
            return Data(repeatElement(entry, count: count).joined())
        }
        let good = graph(input: [1, 3, 64, 64])
        for (bytes, words) in [
            (file(good + many(1, 300_000)), "more than 32768 operations"),
            (file(good + many(12, 300)), "more than 256 outputs"),
            (file(good + many(13, 1_200_000)), "other entries"),
            (file(good) + Data((0..<5000).flatMap { field(14, field(1, "k\($0)")) }), "4096 entries of metadata"),
        ] {
            #expect { try ONNXHeader(reading: MemoryBytes(bytes)) } throws: { "\($0)".contains(words) }
            await #expect { try await segmenter(bytes) } throws: {
                "\($0)".contains(words) && "\($0)".hasPrefix("The model file model.onnx")
            }
        }
        // Readers would join two graphs; what is looked at must be what runs.
        let two = MemoryBytes(file(good) + field(7, good))
        #expect((try? ONNXHeader(reading: two)) == nil && ONNXGraph(reading: two) == nil)
    }

    /// Hundreds of thousands of combining marks in a row take minutes to compare.
    @Test func textsOfCombiningMarksCostNoTime() throws {
        let marks = String(repeating: "\u{301}\u{327}", count: 500_000)
        let good = graph(input: [1, 3, 64, 64]) + field(5, constant("w\(marks)", [1], [1]))
        let bytes = file(good) + field(14, field(1, "k\(marks)") + field(2, "v"))
        let header = try ONNXHeader(reading: MemoryBytes(bytes))
        #expect(header.metadata.keys.contains { $0.unicodeScalars.first == "k" } && header.inputs.count == 1)
    }

    /// Bytes of real files, changed here and there: every length, number and count of the wire format is hit.
    @Test(arguments: ["tail", "bright", "types", "family-batch"]) func damagedFilesAreNeverTrusted(fixture: String)
        throws
    {
        let bytes = try Data(contentsOf: TestFiles.fixture(fixture + ".onnx"))
        let wild: [[UInt8]] = [
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0x80, 0x80, 0x80, 0x80, 0x20], [0], [0x7F],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        ]
        var random = SeededRandom(seed: 5)
        var read = 0
        for round in 0..<1500 {
            var damaged = bytes
            for _ in 0...Int.random(in: 0...3, using: &random) {
                let at = Int.random(in: 0..<damaged.count, using: &random)
                if round % 3 == 0, let piece = wild.randomElement(using: &random) {
                    let end = min(at + (Bool.random(using: &random) ? piece.count : 0), damaged.count)
                    damaged.replaceSubrange(at..<end, with: piece)
                } else {
                    damaged[at] = UInt8.random(in: 0...255, using: &random)
                }
            }
            let source = MemoryBytes(damaged)
            if let graph = ONNXGraph(reading: source) {
                _ = graph.file(answering: graph.detectionHeads?.names ?? ["output0"])
            }
            guard let header = try? ONNXHeader(reading: source) else { continue }
            read += 1
            // What the header says goes the same way as what a runtime says.
            _ = try? ModelFamily.model(
                for: ModelDescription(inputs: header.inputs, outputs: header.outputs, metadata: header.metadata))
        }
        #expect(read > 50)
    }
}
