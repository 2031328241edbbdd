import ArgumentParser
import Foundation
import InstanceSegmentation
import Logging
import ONNXRuntimeBackend

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
        let backend = try ONNXRuntimeBackend(logger: logger)
        for location in locations {
            do {
                let description = try backend.describe(modelAt: location.file)
                let model = try ModelFamily.model(for: description, settings: try location.settings())
                let names =
                    model.classNames.prefix(6).joined(separator: ", ") + (model.classNames.count > 6 ? ", …" : "")
                let size = try location.file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
                let count = model.classNames.count
                print(
                    "\(location.id)  \(model.family.rawValue)  \(description.precision.rawValue)  \((Double(size) / 1e5).rounded() / 10) MB"
                )
                print("  input    \(description.inputs.map(\.description).joined(separator: ", "))")
                print("  outputs  \(description.outputs.map(\.description).joined(separator: ", "))")
                print("  classes  \(count): \(names)")
            } catch {
                failures += 1
                print("\(location.id)  cannot be used: \(error)")
            }
        }
        if failures > 0 { throw ExitCode(1) }
    }
}
