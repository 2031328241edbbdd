import Foundation
import InstanceSegmentation
import ONNXRuntimeBackend
import RuntimeSupport
import TestSupport
import Testing

@Suite struct HeaderTests {
    static let fixtures =
        (try? FileManager.default.contentsOfDirectory(atPath: TestFiles.fixture("").path).filter {
            $0.hasSuffix(".onnx")
        }.sorted()) ?? []

    /// What a repository reads from files is what their models say once they are loaded.
    @Test(arguments: fixtures) func aFileSaysWhatONNXRuntimeReadsInIt(name: String) async throws {
        let file = TestFiles.fixture(name)
        let backend = try ONNXRuntimeBackend(options: .standard(threads: 1))
        let described = try backend.describe(modelAt: file)
        let model = try await backend.load(modelAt: file, concurrency: 1).modelDescription
        #expect(described.inputs == model.inputs)
        #expect(described.outputs.map(\.name) == model.outputs.map(\.name))
        #expect(described.outputs.map(\.elementType) == model.outputs.map(\.elementType))
        for (declared, inferred) in zip(described.outputs, model.outputs) {
            #expect(declared.shape.count == inferred.shape.count)
            // The runtime may know the length of a dimension that the file leaves free.
            for (one, other) in zip(declared.shape, inferred.shape) { #expect(one == other || one.length == nil) }
        }
        #expect(described.metadata == model.metadata)
        #expect(described.precision == model.precision)
        #expect(described.heads == nil && model.heads == nil)
    }

    @Test func aDescriptionOfNoModelSaysWhatIsWrong() throws {
        let backend = try ONNXRuntimeBackend()
        let folder = try TestFiles.temporaryFolder()
        let file = folder.appending(path: "model.onnx")
        #expect { try backend.describe(modelAt: file) } throws: {
            "\($0)".hasPrefix("The model \(file.path) cannot be read:") && "\($0)".contains("does not exist")
        }
        let whole = try Data(contentsOf: TestFiles.fixture("bright.onnx"))
        for (bytes, words) in [
            (Data("this is no model".utf8), "not a valid ONNX model"), (whole.prefix(100), "truncated"),
            (Data(), "is empty"),
        ] {
            try bytes.write(to: file)
            #expect { try backend.describe(modelAt: file) } throws: { "\($0)".contains(words) }
        }
        try FileManager.default.removeItem(at: file)
        #expect(mkfifo(file.path, 0o600) == 0)
        #expect { try backend.describe(modelAt: file) } throws: { "\($0)".contains("is a named pipe") }
    }

    @Test func numbersOfWeightsAreTold() throws {
        for (name, precision) in [
            ("bright", InferencePrecision.float32), ("quantized", .int8), ("tail", .float32),
        ] {
            let header = try ONNXHeader(modelAt: TestFiles.fixture(name + ".onnx").path)
            #expect(header?.precision == precision, "\(name)")
        }
    }

    @Test func damagedFilesAreRefusedOrReadButNeverTrusted() throws {
        let bytes = try Data(contentsOf: TestFiles.fixture("bright.onnx"))
        func header(_ bytes: Data) -> ONNXHeader? { try? ONNXHeader(reading: MemoryBytes(bytes)) }
        #expect(header(bytes) != nil && header(Data()) == nil && header(Data("no model".utf8)) == nil)
        #expect(try ONNXHeader(modelAt: "/no/such/file") == nil)
        for length in 0..<bytes.count - 1 where length % 7 == 0 { _ = header(bytes.prefix(length)) }
        var random = SeededRandom(seed: 2)
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = header(damaged)
        }
    }
}
