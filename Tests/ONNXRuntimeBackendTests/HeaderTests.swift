import Foundation
import InstanceSegmentation
import ONNXFile
import ONNXRuntimeBackend
import TestSupport
import Testing

@Suite struct HeaderTests {
    static let fixtures =
        (try? FileManager.default.contentsOfDirectory(atPath: TestFiles.fixture("").path).filter {
            $0.hasSuffix(".onnx")
        }.sorted()) ?? []

    @Test(arguments: fixtures) func aFileSaysWhatONNXRuntimeReadsInIt(name: String) async throws {
        let file = TestFiles.fixture(name).path
        let header = try #require(ONNXHeader(contentsOf: file))
        let model = try await ONNXRuntimeBackend(options: .standard(threads: 1)).open(modelAt: file, lanes: 1)[0].model
        #expect(header.inputs == model.inputs)
        #expect(header.outputs.map(\.name) == model.outputs.map(\.name))
        #expect(header.outputs.map(\.elementType) == model.outputs.map(\.elementType))
        #expect(header.metadata == model.metadata)
        #expect(header.precision == model.precision)
    }

    @Test func numbersOfWeightsAreTold() throws {
        for (name, precision) in [
            ("bright", InferencePrecision.float32), ("quantized", .int8), ("tail", .float32),
        ] {
            #expect(ONNXHeader(contentsOf: TestFiles.fixture(name + ".onnx").path)?.precision == precision, "\(name)")
        }
    }

    @Test func damagedFilesAreRefusedOrReadButNeverTrusted() throws {
        let bytes = try Data(contentsOf: TestFiles.fixture("bright.onnx"))
        #expect(ONNXHeader(Data()) == nil && ONNXHeader(Data("no model".utf8)) == nil)
        #expect(ONNXHeader(contentsOf: "/no/such/file") == nil)
        for length in 0..<bytes.count - 1 where length % 7 == 0 { _ = ONNXHeader(bytes.prefix(length)) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = ONNXHeader(damaged)
        }
    }
}
