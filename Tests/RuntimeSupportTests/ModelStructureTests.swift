import Foundation
import InstanceSegmentation
import TestSupport
import Testing

@testable import RuntimeSupport

/// Reading what model files say of themselves without their weights.
@Suite(.timeLimit(.minutes(2))) struct ModelStructureTests {
    private typealias Part = MemoryBytes.Part

    // MARK: Files by hand

    private func field(_ number: Int, _ content: [Part]) -> [Part] {
        var head = Data()
        ProtobufWriter.append(field: number, length: content.reduce(0) { $0 + $1.count }, to: &head)
        return [.bytes(head)] + content
    }

    private func field(_ number: Int, _ text: String) -> [Part] { field(number, [.bytes(Data(text.utf8))]) }

    private func field(_ number: Int, _ value: UInt64) -> [Part] {
        var bytes = Data()
        ProtobufWriter.append(UInt64(number) << 3, to: &bytes)
        ProtobufWriter.append(value, to: &bytes)
        return [.bytes(bytes)]
    }

    private func value(_ name: String, _ length: UInt64) -> [Part] {
        field(1, name) + field(2, field(1, field(1, 1) + field(2, field(1, field(1, length)))))
    }

    private func identity(_ output: String, _ attributes: [Part] = []) -> [Part] {
        field(1, field(1, "x") + field(2, output) + field(4, "Identity") + attributes)
    }

    /// A constant of zeros.
    private func constant(_ name: String, type: UInt64 = 1, numbers: Int = 9, bytes: Int) -> [Part] {
        field(5, field(1, UInt64(bytes / 4)) + field(2, type) + field(8, name) + field(numbers, [.zeros(bytes)]))
    }

    private func file(_ graph: [Part] = [], metadata: [Part] = []) -> [Part] {
        let whole = identity("y") + graph + field(11, value("x", 4)) + field(12, value("y", 4))
        return field(1, 8) + field(7, whole) + field(14, field(1, "names") + field(2, "['a']")) + metadata
    }

    // MARK: Weights

    @Test func weightsAreNotRead() throws {
        let graph =
            constant("raw", type: 10, bytes: 600 << 20) + constant("listed", numbers: 4, bytes: 300 << 20)
            + identity("z", field(5, field(1, "value") + field(5, field(9, [.zeros(200 << 20)]))))
            + constant("small", bytes: 8) + constant("last", type: 10, bytes: 100 << 20)
        let source = MemoryBytes(file(graph))
        let header = try ONNXHeader(reading: source)
        #expect(header.inputs.map(\.description) == ["x float32 [4]"] && header.outputs.map(\.name) == ["y"])
        #expect(header.metadata == ["names": "['a']"] && header.precision == .float16)
        #expect(source.size > 1200 << 20 && source.bytesRead < 100_000)
        // Nor are those that another graph leaves out.
        let read = try #require(ONNXGraph(reading: source))
        #expect(read.nodes.map(\.type) == ["Identity", "Identity"] && read.outputs == ["y"])
        let rest = try #require(read.file(answering: ["y", "z"]))
        #expect(rest.count > 200 << 20 && rest.count < 201 << 20)
        #expect(source.bytesRead < rest.count + 200_000)
        #expect(ONNXGraph(reading: MemoryBytes(rest))?.nodes.map(\.type) == ["Identity", "Identity"])
    }

    @Test func everyWindowShowsTheSame() throws {
        let folder = TestFiles.fixture("")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".onnx") }
        #expect(names.count > 10)
        for name in names {
            let source = MemoryBytes(try Data(contentsOf: folder.appending(path: name)))
            func header(_ size: Int) throws -> ONNXHeader { try ONNXHeader(ByteWindow(source, size: size)) }
            func graph(_ size: Int) throws -> ONNXGraph? { try ONNXGraph(ByteWindow(source, size: size)) }
            let (whole, wholeGraph) = (try header(source.size), try graph(source.size))
            for size in [1, 3, 64, 1000, ByteWindow.size] {
                let read = try header(size)
                #expect(read.inputs == whole.inputs && read.outputs == whole.outputs, "\(name) by \(size)")
                #expect(read.metadata == whole.metadata && read.precision == whole.precision, "\(name) by \(size)")
                let other = try graph(size)
                #expect(other?.outputs == wholeGraph?.outputs && other?.detectionHeads == wholeGraph?.detectionHeads)
                #expect(other?.file(answering: ["output0"]) == wholeGraph?.file(answering: ["output0"]))
            }
        }
    }

    // MARK: Damage

    @Test func aFileThatEndsEarlyIsRefused() throws {
        let parts = file(constant("w", bytes: 1 << 20))
        let whole = parts.reduce(0) { $0 + $1.count }
        func bytes(_ count: Int) -> Data {
            var data = Data(count: count)
            _ = data.withUnsafeMutableBytes { MemoryBytes(parts).read(into: $0, at: 0) }
            return data
        }
        for count in [10, 40, 500_000, whole - 1] {
            #expect(throws: ONNXHeader.Refusal.malformed) { try ONNXHeader(reading: MemoryBytes(bytes(count))) }
            // So is one that another program truncates while it is read.
            let told = MemoryBytes([.bytes(bytes(count))], size: whole)
            #expect(throws: ONNXHeader.Refusal.malformed) { try ONNXHeader(reading: told) }
            #expect(ONNXGraph(reading: told) == nil)
        }
        let path = try TestFiles.temporaryFolder().appending(path: "model.onnx").path
        try bytes(whole).write(to: URL(filePath: path))
        let opened = try OpenedFile(path, limit: whole)
        let graph = try #require(ONNXGraph(reading: opened))
        #expect(truncate(path, 20) == 0)
        #expect(throws: ONNXHeader.Refusal.malformed) { try ONNXHeader(reading: opened) }
        #expect(graph.file(answering: ["y"]) == nil)
    }

    @Test func aLengthBeyondTheEndIsRefused() throws {
        for length in [UInt64(1) << 20, 1 << 31, 1 << 62, .max] {
            var tensor = Data([9 << 3 | 2])
            ProtobufWriter.append(length, to: &tensor)
            // What a constant's part says of itself goes no further than the constant.
            let inner = MemoryBytes(file(field(5, field(8, "w") + [.bytes(tensor)])))
            #expect(try ONNXHeader(reading: inner).outputs.map(\.name) == ["y"])
            #expect(ONNXGraph(reading: inner) == nil)
            var graph = Data([7 << 3 | 2])
            ProtobufWriter.append(length, to: &graph)
            #expect(throws: ONNXHeader.Refusal.malformed) {
                try ONNXHeader(reading: MemoryBytes([.bytes(graph), .zeros(100)]))
            }
        }
    }

    @Test func aFileThatCannotBeReadIsRefusedWithTheReason() throws {
        struct Broken: ByteSource {
            let size = 1000
            func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(OrdinaryFile.Failure) -> Int {
                throw .system(EIO)
            }
        }
        #expect { try ONNXHeader(reading: Broken()) } throws: { "\($0)" == "cannot be read: Input/output error" }
        #expect(ONNXGraph(reading: Broken()) == nil)
    }

    // MARK: Bounds

    @Test func textIsKeptUpToALimit() throws {
        let long = [Part.zeros(ModelLimits.textBytes)]
        for parts in [
            file(metadata: field(14, field(1, "k") + field(2, long))), file(field(5, field(8, long))),
            file(field(11, field(1, long))), file(field(12, field(1, long))),
            file(field(11, field(2, field(1, field(2, field(1, field(2, long))))))),
            file(field(5, field(8, "w") + field(13, field(1, "location") + field(2, long)))),
        ] {
            let source = MemoryBytes(parts)
            #expect { try ONNXHeader(reading: source) } throws: {
                "\($0)".contains("33554432 bytes of names and metadata")
            }
            #expect(source.bytesRead < 100_000)
        }
        let names = MemoryBytes(file(field(1, field(1, long) + field(1, long))))
        #expect(ONNXGraph(reading: names) == nil && names.bytesRead < ModelLimits.textBytes + 100_000)
    }

    @Test func fieldsAndBytesAreLookedAtUpToALimit() throws {
        let dimensions = (0..<1000).flatMap { _ in field(1, 1) }
        let entries = (0..<1000).flatMap { _ in field(100, [.zeros(5000)]) }
        for parts in [file(field(5, dimensions)), file(field(1, dimensions)), file(entries), file(metadata: entries)] {
            var limits = ByteWindow.Limits()
            limits.fields = 900
            #expect { try ONNXHeader(ByteWindow(MemoryBytes(parts), limits: limits)) } throws: {
                "\($0)".contains("more than 900 fields")
            }
        }
        for parts in [file(entries), file(metadata: entries)] {
            var limits = ByteWindow.Limits()
            limits.bytes = 1_000_000
            let source = MemoryBytes(parts)
            #expect { try ONNXHeader(ByteWindow(source, limits: limits)) } throws: {
                "\($0)".contains("1000000 bytes outside of its weights")
            }
            #expect(source.bytesRead <= limits.bytes)
        }
        // The numbers of a packed list count as fields.
        let packed = field(5, field(1, "perm") + field(8, [.zeros(1000)]))
        var limits = ByteWindow.Limits()
        limits.fields = 900
        #expect { try ONNXGraph(ByteWindow(MemoryBytes(file(identity("z", packed))), limits: limits)) } throws: {
            "\($0)".contains("more than 900 fields")
        }
    }
}
