import Foundation
import InstanceSegmentation

extension ONNXHeader {
    /// Reads the header of a model file, and checks the files that hold its weights, before a runtime opens any of
    /// them. A runtime would wait for a pipe, and read a device without end.
    ///
    /// - Returns: `nil` if the file does not exist.
    /// - Throws: `SegmentationError.invalidConfiguration`, which names files without their folders; `Refusal.malformed`
    ///   if the file is not an ONNX model.
    package init?(modelAt path: String) throws {
        let file = URL(filePath: path)
        func refusal(_ reason: String) -> SegmentationError {
            .invalidConfiguration("The model file \(file.lastPathComponent.excerpt()) \(reason).")
        }
        if let problem = OrdinaryFile.problem(at: path) { throw refusal(problem) }
        let opened: OpenedFile
        do throws(OrdinaryFile.Failure) {
            opened = try OpenedFile(path, limit: ModelLimits.modelFileSize)
        } catch {
            switch error {
            case .system(ENOENT), .system(ENOTDIR): return nil
            case .system(let code): throw refusal(Refusal.unreadable(code).description)
            case .notOrdinary: throw refusal("is not an ordinary file")
            case .tooLarge: throw refusal("is too large; at most \(ModelLimits.modelFileSize) bytes are accepted")
            }
        }
        guard opened.size > 0 else { throw refusal("is empty") }
        do throws(Refusal) { try self.init(reading: opened) } catch {
            if case .malformed = error { throw error }
            throw refusal(error.description)
        }
        for name in weightFiles {
            let weights = "refers to the weights file '\(name.excerpt())', which"
            guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
                throw refusal("\(weights) is not in the folder of the model")
            }
            let place = file.deletingLastPathComponent().appending(path: name).path
            if let problem = OrdinaryFile.problem(at: place) { throw refusal("\(weights) \(problem)") }
            guard FileManager.default.fileExists(atPath: place) else {
                throw refusal("\(weights) does not exist; put it next to the model")
            }
        }
    }
}
