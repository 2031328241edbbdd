import Foundation
import InstanceSegmentation

extension PoolError {
    /// What callers are told of an error that a model's files cause: only errors that are written for it, and no path of the machine.
    static func reason(_ error: any Error, of location: ModelLocation) -> String {
        switch error {
        case let error as SegmentationError: shortened(error.description, location)
        case let error as FileThread.Failure: error.description
        case let error as any ModelLoadingError:
            error.modelFault.map { withoutPaths(shortened($0, location)) } ?? "The server's log says why."
        default: "The server's log says why."
        }
    }

    /// Names the model's folder as callers do: `{dataset}/{version}`.
    private static func shortened(_ text: String, _ location: ModelLocation) -> String {
        let folder = location.file.deletingLastPathComponent()
        var text = text
        for path in [folder.path, folder.resolvingSymlinksInPath().path] where path.count > 1 {
            text = text.replacing(path, with: "\(location.id)")
        }
        return text
    }

    /// Leaves the last name of any other absolute path.
    private static func withoutPaths(_ text: String) -> String {
        text.replacing(/(^|[\s"'(\[=:])\/(?:[^\/\s"')\]]+\/)+/) { $0.output.1 }
    }
}
