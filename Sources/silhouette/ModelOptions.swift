import ArgumentParser
import Foundation
import InstanceSegmentation

/// Where models are.
struct ModelOptions: ParsableArguments {
    @Option(name: .customLong("models"), help: ArgumentHelp("Folder of models.", valueName: "dir"))
    var folder = environment("MODELS") ?? "./models"

    /// The models in the folder.
    /// - Parameter skipped: called for each folder in it that is left out.
    func locations(skipped: (SkippedFolder) -> Void) throws -> [ModelLocation] {
        try ModelDirectory(URL(filePath: folder)).models(skipped: skipped)
    }

    /// The model that is asked for; without a name the default model, or the only one. Folders that are left out are reported.
    func location(_ name: String?) throws -> ModelLocation {
        let all = try locations { report("warning: \($0)") }
        let served = all.isEmpty ? "none" : all.map(\.id.description).joined(separator: ", ")
        if let name {
            guard let found = all.first(where: { $0.id.description == name }) else {
                throw ValidationError("There is no model '\(name)' in \(folder). It has: \(served).")
            }
            return found
        }
        if let standard = all.first(where: { $0.id.description == "tabletop/1" }) { return standard }
        guard all.count == 1 else {
            throw ValidationError("Choose a model with --model. \(folder) has: \(served).")
        }
        return all[0]
    }
}

/// The value of the variable `SILHOUETTE_` and a name; `nil` where it is not set or empty.
func environment(_ name: String) -> String? {
    ProcessInfo.processInfo.environment["SILHOUETTE_" + name].flatMap { $0.isEmpty ? nil : $0 }
}

/// Refuses a variable whose value is not a number.
func requireNumbers(_ names: String...) throws {
    for name in names {
        guard let text = environment(name), Double(text) == nil else { continue }
        throw ValidationError("SILHOUETTE_\(name) is '\(text)'; expected a number.")
    }
}

/// Refuses a variable whose value is not a whole number.
func requireIntegers(_ names: String...) throws {
    for name in names {
        guard let text = environment(name), Int(text) == nil else { continue }
        throw ValidationError("SILHOUETTE_\(name) is '\(text)'; expected a whole number.")
    }
}

/// Refuses a variable of a flag whose value is neither on nor off.
func requireSwitches(_ names: String...) throws {
    for name in names { _ = try Switch.fromEnvironment(name) }
}

/// Whether the variable `SILHOUETTE_` and a name is set to 1, true, yes or on. Commands refuse other words with
/// `requireSwitches` before.
func environmentFlag(_ name: String) -> Bool {
    (try? Switch.fromEnvironment(name)) == .on
}

/// The folder that a server keeps its state in: `$XDG_STATE_HOME/silhouette`, usually `~/.local/state/silhouette`.
func defaultStateFolder() -> String {
    let base =
        ProcessInfo.processInfo.environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
        ?? URL(filePath: NSHomeDirectory()).appending(path: ".local/state")
    return base.appending(path: "silhouette").path
}
