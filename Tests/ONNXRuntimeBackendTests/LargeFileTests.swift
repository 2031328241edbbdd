import Foundation
import InstanceSegmentation
import TestSupport
import Testing

@testable import ONNXRuntimeBackend
@testable import RuntimeSupport

/// What is read of files that consist of weights, as the system counts it.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: "/proc/thread-self/io"))) struct LargeFileTests {
    /// The bytes that this thread has read from files so far.
    private func bytesRead() throws -> Int {
        let counts = try String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8)
        let line = try #require(counts.split(separator: "\n").first { $0.hasPrefix("rchar: ") })
        return try #require(Int(line.dropFirst(7)))
    }

    /// A copy of a fixture with one more constant, which is a hole in the file.
    private func fixture(_ name: String, constant count: Int) throws -> URL {
        let bytes = try Data(contentsOf: TestFiles.fixture(name))
        var (file, graph) = (Data(), Data())
        var reader = ProtobufReader(ByteWindow(MemoryBytes(bytes)))
        while let field = try reader.next() {
            if field.number == 7 { graph = bytes[field.content] } else { file.append(bytes[field.whole]) }
        }
        var constant = Data()
        for (number, value) in [(1, count), (2, 2)] {
            ProtobufWriter.append(UInt64(number) << 3, to: &constant)
            ProtobufWriter.append(UInt64(value), to: &constant)
        }
        ProtobufWriter.append(field: 8, Data("large".utf8), to: &constant)
        ProtobufWriter.append(field: 9, length: count, to: &constant)
        var head = Data()
        ProtobufWriter.append(field: 5, length: constant.count + count, to: &head)
        ProtobufWriter.append(
            field: 7, length: graph.count + head.count + constant.count + count, to: &file)
        file += graph + head + constant
        let place = try TestFiles.temporaryFolder().appending(path: name)
        try file.write(to: place)
        #expect(truncate(place.path, off_t(file.count + count)) == 0)
        return place
    }

    @Test func aModelIsDescribedWithoutItsWeights() throws {
        let backend = try ONNXRuntimeBackend()
        let small = try backend.describe(modelAt: TestFiles.fixture("bright.onnx"))
        let file = try fixture("bright.onnx", constant: 700 << 20)
        let before = try bytesRead()
        let large = try backend.describe(modelAt: file)
        #expect(try bytesRead() - before < 100_000)
        #expect(large.inputs == small.inputs && large.outputs == small.outputs && large.metadata == small.metadata)
    }

    @Test func aGraphIsRewrittenWithoutConstantsThatItDoesNotNeed() throws {
        let options = SessionOptions(threads: 1)
        let small = ModelFile(path: TestFiles.fixture("tail.onnx").path, options: options)
        let file = try fixture("tail.onnx", constant: 300 << 20)
        let before = try bytesRead()
        let large = ModelFile(path: file.path, options: options)
        #expect(try bytesRead() - before < 2_000_000)
        #expect(large.heads != nil && large.heads == small.heads)
        #expect(large.prunedGraph != nil && large.prunedGraph == small.prunedGraph)
        // A larger file is run as it is, without a look at its graph.
        let larger = ModelFile(path: try fixture("tail.onnx", constant: 401 << 20).path, options: options)
        #expect(larger.refusal == nil && larger.heads == nil && larger.prunedGraph == nil)
    }
}
