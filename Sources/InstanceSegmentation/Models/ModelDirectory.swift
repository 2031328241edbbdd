public import Foundation

/// A folder of models: `{dataset}/{version}/model.onnx`, and optionally `model.json` and exporters' files next to it.
public struct ModelDirectory: Sendable {
    public let url: URL

    public init(_ url: URL) {
        self.url = url
    }

    /// Dataset names that are not allowed, because routes of the server begin with them.
    public static let reservedNames: Set<String> = [
        "infer", "model", "models", "static", "docs", "start", "clear_cache", "info", "healthz", "readiness", "metrics",
        "logs", "openapi.json", "_next", "build", "workflows", "inference_pipelines", "device", "notebook", "v2", "mcp",
        "label-studio",
    ]

    /// Lists the models in the folder, ordered by dataset and then by version; numbers in names are compared by value.
    /// - Parameter skipped: called for each folder that is skipped; the other folders are still listed.
    /// - Throws: `SegmentationError.invalidConfiguration` if there is no such folder.
    public func models(skipped: (SkippedFolder) -> Void = { _ in }) throws -> [ModelLocation] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw SegmentationError.invalidConfiguration("There is no folder of models at \(url.path).")
        }
        var found: [ModelLocation] = []
        for dataset in try folders(in: url) {
            for version in reading(url.appending(path: dataset), skipped, folders) ?? [] {
                let folder = url.appending(path: dataset).appending(path: version)
                guard let file = reading(folder, skipped, modelFile) ?? nil else { continue }
                let id = ModelID(dataset: dataset, version: version)
                guard !Self.reservedNames.contains(dataset) else {
                    skipped(.reservedName(id))
                    continue
                }
                found.append(ModelLocation(id: id, file: file))
            }
        }
        return found
    }

    /// What is read from a folder; `nil` where it cannot be read.
    private func reading<Result>(
        _ folder: URL, _ skipped: (SkippedFolder) -> Void, _ read: (URL) throws -> Result
    ) -> Result? {
        do { return try read(folder) } catch {
            skipped(.unreadable(folder: folder.path, reason: error.localizedDescription))
            return nil
        }
    }

    private func modelFile(in folder: URL) throws -> URL? {
        Self.modelFile(among: try FileManager.default.contentsOfDirectory(atPath: folder.path))
            .map { folder.appending(path: $0) }
    }

    /// The model's file among the names in a folder: `model.onnx`, `weights.onnx` as in Roboflow's packages, or the only ONNX file.
    package static func modelFile(among names: [String]) -> String? {
        let files = names.filter { $0.hasSuffix(".onnx") && !$0.hasPrefix(".") }
        return ["model.onnx", "weights.onnx"].first(where: files.contains) ?? (files.count == 1 ? files[0] : nil)
    }

    private func folders(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { url in
                var isFolder: ObjCBool = false
                return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
            }
            .map(\.lastPathComponent)
            .filter { !$0.hasPrefix(".") }
            .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    }
}

/// A subfolder that is skipped when models are listed.
public enum SkippedFolder: Sendable, CustomStringConvertible {
    /// The folder of a dataset or a version is unreadable.
    case unreadable(folder: String, reason: String)
    /// The name of the dataset is reserved; see `ModelDirectory.reservedNames`.
    case reservedName(ModelID)

    /// A sentence for the operator.
    public var description: String {
        switch self {
        case .unreadable(let folder, let reason): "The folder \(folder.excerpt(4096)) cannot be read: \(reason)"
        case .reservedName(let id):
            "The dataset name '\(id.dataset)' is reserved for the server's own routes; \(id) is not served. "
                + "Rename the folder."
        }
    }
}

/// The identifier of a model: `dataset/version`.
public struct ModelID: Hashable, Sendable, CustomStringConvertible {
    public let dataset: String
    /// Usually a number, but any folder name is valid.
    public let version: String

    public init(dataset: String, version: String) {
        self.dataset = dataset
        self.version = version
    }

    /// Parses `dataset/version`; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
        self.init(dataset: String(parts[0]), version: String(parts[1]))
    }

    public var description: String { "\(dataset)/\(version)" }
}

/// A model file and its identifier.
public struct ModelLocation: Hashable, Sendable {
    public let id: ModelID
    public let file: URL

    public init(id: ModelID, file: URL) {
        self.id = id
        self.file = file
    }

    /// Reads the settings from the files next to the model.
    /// - Throws: `SegmentationError.invalidConfiguration`, which names the file and the fault in it.
    public func settings() throws -> ModelSettings {
        var settings = try ModelSettings(filesIn: file.deletingLastPathComponent())
        settings.givenName = "\(id.dataset)/\(file.lastPathComponent)"
        return settings
    }
}
