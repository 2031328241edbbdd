import Foundation
import InstanceSegmentation
import TestSupport

/// A folder of models for `MarkedBackend`, whose versions are replaced as a whole.
struct ModelFolder {
    let root: URL

    init(_ networks: [String: String] = [:]) throws {
        root = try TestFiles.temporaryFolder()
        for (dataset, network) in networks { try put(dataset, network: network) }
    }

    /// The only version of a dataset.
    static func id(_ dataset: String) -> ModelID { ModelID(dataset: dataset, version: "1") }

    func file(_ dataset: String, _ name: String = "model.onnx") -> URL { root.appending(path: "\(dataset)/1/\(name)") }

    /// Adds a model, or replaces it in one step: its folder is a link.
    /// - Parameter network: its number, or any other text for a broken file.
    func put(_ dataset: String, network: String) throws {
        let store = root.appending(path: ".store/\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: store, withIntermediateDirectories: true)
        try Data(network.utf8).write(to: store.appending(path: "model.onnx"))
        try Data("left \(network)\nright\n".utf8).write(to: store.appending(path: "class_names.txt"))
        let folder = root.appending(path: dataset)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let link = folder.appending(path: ".new")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: store)
        guard rename(link.path, folder.appending(path: "1").path) == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    /// Writes into a file that is there.
    func write(_ text: String, to dataset: String, _ name: String = "model.onnx") throws {
        try Data(text.utf8).write(to: file(dataset, name))
    }

    func remove(_ dataset: String) throws { try FileManager.default.removeItem(at: root.appending(path: dataset)) }
}
