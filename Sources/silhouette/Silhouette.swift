import ArgumentParser
import CAllocator
import Foundation
import Logging

/// The command.
@main
struct Silhouette: AsyncParsableCommand {
    static let version = "0.1.0"

    static let logThreshold = LogThreshold()

    static let configuration = CommandConfiguration(
        commandName: "silhouette",
        abstract: "Finds the outline of every object in an image: a server, and a command for files.",
        discussion: """
            Models lie in a folder as DATASET/VERSION/model.onnx.

            Every option of serve can also be given as an environment variable: SILHOUETTE_ and its name, such as \
            SILHOUETTE_PORT=9001. Of the other commands these can: --models, --model, --state, --backend, --precision, \
            --confidence, --overlap, --max-pixels, --square, --full-decode, --overwrite, and --python.
            """,
        version: version,
        subcommands: [
            ServeCommand.self, PredictCommand.self, ModelsCommand.self, KeysCommand.self, EvaluateCommand.self,
            BenchmarkCommand.self, DecodeCommand.self, HealthCommand.self,
        ])

    static func main() async {
        // What a reload would read is read anyway while the server starts.
        if CommandLine.arguments.dropFirst().first == "serve" { signal(SIGHUP, SIG_IGN) }
        // Before there are other threads, which the environment must not change under: ONNX Runtime reads it when it is loaded.
        setenv("ORT_DISABLE_TELEMETRY", "1", 1)
        silhouette_allocator_keep_memory()
        LoggingSystem.bootstrap { ThresholdLogHandler(label: $0, threshold: logThreshold) }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }
}
