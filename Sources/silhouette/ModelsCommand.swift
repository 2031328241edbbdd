import ArgumentParser
import Foundation
import InstanceSegmentation
import Logging

struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "Lists the models of a folder and what each is, or makes an 8-bit copy of one.",
        subcommands: [ModelsListCommand.self, QuantizeCommand.self], defaultSubcommand: ModelsListCommand.self)
}

struct ModelsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the models of a folder and what each is.")

    @OptionGroup var models: ModelOptions
    @OptionGroup var backend: BackendOptions

    func run() async throws {
        var failures = 0
        let locations = try models.locations { skipped in
            if case .unreadable = skipped { failures += 1 }
            report("warning: \(skipped)")
        }
        if locations.isEmpty && failures == 0 {
            print("There is no model in \(models.folder): expected DATASET/VERSION/model.onnx")
            return
        }
        var logger = Logger(label: "silhouette")
        logger.logLevel = .error
        let backend = try self.backend.open(logger: logger)
        for location in locations {
            do {
                print(try await summary(of: location, backend))
            } catch {
                failures += 1
                print("\(location.id)  cannot be used: \(error)")
            }
        }
        if failures > 0 { throw ExitCode(1) }
    }

    /// What a model is, after it ran once: usable is what `predict` and `serve` can use.
    private func summary(of location: ModelLocation, _ backend: some InferenceBackend) async throws -> String {
        let settings = try location.settings()
        let description = try backend.describe(modelAt: location.file)
        try description.checkLimits()
        let session = try await backend.load(modelAt: location.file, concurrency: 1)
        let model = try await Segmenter(trying: session, settings: settings).model
        let names = model.classNames.prefix(6).joined(separator: ", ") + (model.classNames.count > 6 ? ", …" : "")
        let folder = location.file.deletingLastPathComponent()
        let files = ([location.file] + description.weightFiles.map { folder.appending(path: $0) })
            .map { $0.resolvingSymlinksInPath() }
        let size = try files.reduce(0) { try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0) }
        let megabytes = (Double(size) / 1e5).rounded() / 10
        let lines = [
            "\(location.id)  \(model.family.rawValue)  \(description.precision.rawValue)  \(megabytes) MB",
            "  input    \(description.inputs.map(\.description).joined(separator: ", "))",
            "  outputs  \(description.outputs.map(\.description).joined(separator: ", "))",
            "  classes  \(model.classNames.isEmpty ? "by number" : "\(model.classNames.count): \(names.excerpt(400))")",
        ]
        return (lines + model.remarks.map { "  note     \($0)" }).joined(separator: "\n")
    }
}
