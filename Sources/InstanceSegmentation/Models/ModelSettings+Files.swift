public import Foundation
import Imaging

extension ModelSettings {
    /// The names of the files that `init(filesIn:)` reads, in addition to the one that `model.json` names as
    /// `namesFile`.
    package static let fileNames: Set<String> = [
        "model.json", "class_names.txt", "inference_config.json", "environment.json", "preprocessor_config.json",
        "config.json", "pipeline.json", "detail.json",
    ]

    /// Reads the settings files next to a model. Settings in earlier files take precedence over those in later ones.
    ///
    /// The order is: `model.json`, `class_names.txt`, Roboflow's `inference_config.json` and `environment.json`,
    /// transformers' `preprocessor_config.json` and `config.json`, and mmdeploy's `pipeline.json` and `detail.json`.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    public init(filesIn folder: URL) throws {
        self.init()
        func data(_ name: String) throws -> Data? { try Self.contents(of: name, in: folder) }
        func object(_ data: Data, _ name: String) throws -> [String: Any] {
            guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw SegmentationError.invalidConfiguration("\(name) is not a JSON object.")
            }
            return object
        }
        var layers: [ModelSettings] = []
        /// Reads a file where there is one, and checks what it says before anything is computed from it.
        func read(_ name: String, _ settings: ([String: Any], String) throws -> ModelSettings) throws {
            guard let data = try data(name) else { return }
            layers.append(try settings(object(data, name), name).checked(name))
        }
        var namesFile: String?
        if let json = try data("model.json") {
            layers.append(try ModelSettings(modelJSON: json).checked("model.json"))
            namesFile = try Self.namesFile(in: object(json, "model.json"))
        }
        if let text = try data(namesFile ?? "class_names.txt") {
            let file = namesFile ?? "class_names.txt"
            layers.append(try ModelSettings(classNames: String(streamSafe: text), file: file.excerpt()))
        } else if let namesFile {
            throw SegmentationError.invalidConfiguration(
                "model.json: 'namesFile' is '\(namesFile.excerpt())', but there is no such file next to it.")
        }
        try read("inference_config.json") { try ModelSettings(inferenceConfig: $0, file: $1) }
        let hasPackage = layers.contains { $0.package != nil }
        try read("environment.json") { object, file in
            let older = try ModelSettings(environment: object, file: file)
            guard hasPackage else { return older }
            // A package of the newer engine says all of the input.
            var names = ModelSettings()
            names.names = older.names
            return names
        }
        try read("preprocessor_config.json") { try ModelSettings(preprocessorConfig: $0, file: $1) }
        try read("config.json") { try ModelSettings(transformersConfig: $0, file: $1) }
        for name in ["pipeline.json", "detail.json"] { try read(name) { try ModelSettings(mmdeploy: $0, file: $1) } }
        self = layers.reduce(ModelSettings()) { $0.over($1) }
    }

    /// Returns the content of a file next to a model, or `nil` if the file does not exist.
    /// - Throws: `SegmentationError.invalidConfiguration`, also for JSON with a text that may take long to compare.
    private static func contents(of name: String, in folder: URL) throws -> Data? {
        let data = try OrdinaryFile.contents(of: folder.appending(path: name))
        if let data, name.hasSuffix(".json"), data.longestJSONText > ModelLimits.textLength {
            throw SegmentationError.invalidConfiguration(
                "\(name) has a text of \(data.longestJSONText) bytes; at most \(ModelLimits.textLength) are accepted.")
        }
        return data
    }

    /// Returns the file name that `model.json` in a folder gives as `namesFile`; `nil` if there is no such entry.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    package static func namesFile(in folder: URL) throws -> String? {
        guard let json = try contents(of: "model.json", in: folder),
            let object = try? JSONSerialization.jsonObject(with: json) as? [String: Any]
        else { return nil }
        return try namesFile(in: object)
    }

    private static func namesFile(in object: [String: Any]) throws -> String? {
        guard let value = object["namesFile"], !(value is NSNull) else { return nil }
        guard let name = value as? String, !["", "."].contains(name),
            !["/", "..", "\0"].contains(where: name.contains)
        else { throw SegmentationError.invalidConfiguration("model.json: 'namesFile' must be a file next to it.") }
        return name
    }
}

extension Data {
    /// The bytes between the quotes of the longest text of JSON, as it is written.
    fileprivate var longestJSONText: Int {
        var (longest, length) = (0, Int?.none)
        var isEscaped = false
        for byte in self {
            guard let count = length else {
                if byte == UInt8(ascii: "\"") { length = 0 }
                continue
            }
            if !isEscaped, byte == UInt8(ascii: "\"") {
                (longest, length) = (Swift.max(longest, count), nil)
            } else {
                length = count + 1
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            }
        }
        return Swift.max(longest, length ?? 0)
    }
}
