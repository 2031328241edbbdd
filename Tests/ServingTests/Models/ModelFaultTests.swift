import Foundation
import InstanceSegmentation
import ONNXRuntimeBackend
import TestSupport
import Testing

@testable import Serving

@Suite(.timeLimit(.minutes(1))) struct ModelFaultTests {
    @Test func callersAreToldWhatTheRuntimeSaysOfAFileButNoPath() async throws {
        let root = try TestFiles.temporaryFolder()
        let whole = try Data(contentsOf: TestFiles.fixture("tail.onnx"))
        let files: [String: (Data, String)] = [
            "opset": (
                whole + Data([0x42, 0x02, 0x10, 99]), "The model opset/1/model.onnx cannot be read: it needs opset 99"
            ),
            "part": (
                whole.prefix(100),
                "The model part/1/model.onnx cannot be read: the file is not a valid ONNX model, or it is trunc"
            ),
        ]
        for (dataset, file) in files {
            let folder = root.appending(path: "\(dataset)/1")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try file.0.write(to: folder.appending(path: "model.onnx"))
        }
        let backend = try ONNXRuntimeBackend(options: SessionOptions(threads: 1))
        let repository = ModelRepository(.folder(root), backend: backend, logger: .silent)
        let pool = ModelPool(
            repository: repository, backend: backend, configuration: ModelPool.Configuration(concurrency: 1),
            logger: .silent)
        try await repository.rescan()
        for (dataset, file) in files {
            await #expect {
                try await pool.model(ModelFolder.id(dataset))
            } throws: { error in
                guard case .unusable(_, let reason)? = error as? PoolError else { return false }
                return reason.hasPrefix(file.1) && !reason.contains(root.path)
            }
        }
    }

    @Test func noPathOfTheMachineIsLeft() {
        struct Fault: ModelLoadingError { let modelFault: String? }
        let location = ModelLocation(id: ModelFolder.id("a"), file: URL(filePath: "/srv/models/a/1/model.onnx"))
        for (text, expected) in [
            ("Load /srv/models/a/1/w.bin failed", "Load a/1/w.bin failed"),
            ("/build/core/graph.cc:12 '/etc/secret/x' and 1/2", "graph.cc:12 'x' and 1/2"),
            (nil, "The server's log says why."),
        ] {
            #expect(PoolError.reason(Fault(modelFault: text), of: location) == expected)
        }
        #expect(PoolError.reason(CocoaError(.fileNoSuchFile), of: location) == "The server's log says why.")
    }
}
