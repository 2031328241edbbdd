import Foundation
import InstanceSegmentation
import OpenVINOBackend
import TestSupport
import Testing

private let isThere = (try? OpenVINOBackend()) != nil

/// Files that would block OpenVINO are refused before it opens them.
@Suite(.enabled(if: isThere, "make setup BACKENDS=openvino fetches OpenVINO"), .timeLimit(.minutes(1)))
struct OpenVINOHostileFileTests {
    @Test func onlyOrdinaryFilesAreOpened() async throws {
        let backend = try OpenVINOBackend(threads: 1)
        let folder = try TestFiles.temporaryFolder()
        let pipe = folder.appending(path: "pipe.onnx").path
        #expect(mkfifo(pipe, 0o600) == 0)
        for (name, target) in [("device.onnx", "/dev/zero"), ("absent.onnx", "/no/such/file"), ("folder.onnx", "/")] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: name).path, withDestinationPath: target)
        }
        for (name, words) in [
            ("pipe.onnx", "is a named pipe; expected an ordinary file"), ("device.onnx", "is a device"),
            ("absent.onnx", "is a link to a file that does not exist"), ("folder.onnx", "is a folder"),
        ] {
            await #expect { try await backend.load(modelAt: folder.appending(path: name), concurrency: 1) } throws: {
                $0 is SegmentationError && "\($0)".contains("The model file \(name) \(words)")
            }
        }
    }
}
