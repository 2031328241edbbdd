import Foundation
import InstanceSegmentation
import TestSupport
import Testing

@testable import ONNXRuntimeBackend
@testable import RuntimeSupport

/// Other files that a model names, which a runtime would open.
@Suite(.timeLimit(.minutes(2))) struct WeightFileTests: HandmadeModels {
    private let backend: ONNXRuntimeBackend

    init() throws {
        backend = try ONNXRuntimeBackend(options: SessionOptions(threads: 1))
    }

    @Test func weightsInOtherFilesAreLookedAtFirst() async throws {
        func model(_ location: String) -> Data {
            let place = field(13, field(1, "location") + field(2, location))
            let weights = field(1, 256) + field(2, 1) + field(8, "w") + place + field(14, 1)
            return file(graph(input: [1, 3, 64, 64]) + field(5, weights))
        }
        #expect(try ONNXHeader(reading: MemoryBytes(model("a.bin"))).weightFiles == ["a.bin"])
        let folder = try TestFiles.temporaryFolder()
        let path = folder.appending(path: "model.onnx")
        #expect(mkfifo(folder.appending(path: "pipe.bin").path, 0o600) == 0)
        for (location, words) in [
            ("absent.bin", "'absent.bin', which does not exist; put it next to the model"),
            ("pipe.bin", "is a named pipe"),
            ("../secret.bin", "is not in the folder of the model"),
            ("/etc/passwd", "is not in the folder of the model"),
        ] {
            try model(location).write(to: path)
            await #expect { try await backend.load(modelAt: path, concurrency: 1) } throws: { "\($0)".contains(words) }
        }
    }

    /// Every place of a file where a runtime finds the name of another one.
    @Test func everyFileThatIsNamedIsLookedAt() async throws {
        func place(_ names: String...) -> Data {
            names.reduce(field(1, 1) + field(2, 1) + field(8, "w")) {
                $0 + field(13, field(1, "location") + field(2, $1))
            } + field(14, 1)
        }
        let good = graph(input: [1, 3, 64, 64])
        func operation(_ attribute: Data) -> Data {
            field(1, field(2, "c") + field(4, "Constant") + field(5, attribute))
        }
        func inside(_ content: Data, _ depth: Int) -> Data {
            depth == 0 ? content : operation(field(1, "body") + field(6, inside(content, depth - 1)))
        }
        let pipe = place("pipe.bin")
        let overwritten = field(13, field(1, "x") + field(2, "a.bin") + field(1, "location") + field(2, "pipe.bin"))
        let models: [(what: String, bytes: Data)] = [
            ("the last of two", file(good + field(5, place("a.bin", "pipe.bin")))),
            ("the first of two", file(good + field(5, place("pipe.bin", "a.bin")))),
            ("a key that is written twice", file(good + field(5, field(1, 1) + overwritten + field(14, 1)))),
            ("an attribute", file(good + operation(field(1, "value") + field(5, pipe)))),
            ("a list of tensors", file(good + operation(field(10, place("a.bin")) + field(10, pipe)))),
            ("a sparse attribute", file(good + operation(field(22, field(2, pipe))))),
            ("sparse attributes", file(good + operation(field(23, field(1, pipe))))),
            ("a graph inside", file(good + inside(field(5, pipe), 1))),
            ("graphs inside", file(good + operation(field(11, field(5, pipe))))),
            ("a graph far inside", file(good + inside(operation(field(5, pipe)), 20))),
            ("a sparse constant", file(good + field(15, field(1, pipe)))),
            ("a function", file(good) + field(25, field(7, field(4, "Constant") + field(5, field(5, pipe))))),
            ("a function's own values", file(good) + field(25, field(11, field(5, pipe)))),
            ("training", file(good) + field(20, field(2, field(5, pipe)))),
        ]
        let folder = try TestFiles.temporaryFolder()
        let path = folder.appending(path: "model.onnx")
        try Data(repeating: 0, count: 4).write(to: folder.appending(path: "a.bin"))
        #expect(mkfifo(folder.appending(path: "pipe.bin").path, 0o600) == 0)
        for (what, bytes) in models {
            #expect(try ONNXHeader(reading: MemoryBytes(bytes)).weightFiles.contains("pipe.bin"), "\(what)")
            try bytes.write(to: path)
            await #expect("\(what)") {
                try await backend.load(modelAt: path, concurrency: 1)
            } throws: {
                "\($0)".contains("'pipe.bin', which is a named pipe")
            }
        }
        // What is cut is loaded from memory, where other files are not found.
        #expect(ONNXGraph(reading: MemoryBytes(file(good))) != nil)
        #expect(ONNXGraph(reading: MemoryBytes(file(good + operation(field(5, place("a.bin")))))) == nil)
        let deep = file(good + inside(field(5, pipe), 40))
        #expect { try ONNXHeader(reading: MemoryBytes(deep)) } throws: { "\($0)".contains("graphs inside each other") }
        let many = field(5, Data(repeatElement(field(10, Data()), count: 200_000).joined()))
        #expect { try ONNXHeader(reading: MemoryBytes(file(good + field(1, many)))) } throws: {
            "\($0)".contains("operations and tensors inside of operations")
        }
    }
}
