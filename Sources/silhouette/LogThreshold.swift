import Foundation
import Logging
import Synchronization

/// The level below which log lines are dropped. It can change while the program runs.
///
/// It is read from the file that `SILHOUETTE_LOG_LEVEL_FILE` names, where there is one, and otherwise from `LOG_LEVEL`.
final class LogThreshold: Sendable {
    private let current: Mutex<Logger.Level>
    private let file: String?

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        file = environment["SILHOUETTE_LOG_LEVEL_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        let level = environment["LOG_LEVEL"].flatMap(Logger.Level.init(rawValue:)) ?? .info
        current = Mutex(file.flatMap { try? Self.level(inFile: $0) } ?? level)
    }

    var level: Logger.Level { current.withLock { $0 } }

    /// Reads the file again. Without one, or with one that has no level, the level stays as it is.
    /// - Returns: what is wrong with the file, as a sentence.
    func reload() -> String? {
        guard let file else { return nil }
        do {
            let level = try Self.level(inFile: file)
            current.withLock { $0 = level }
            return nil
        } catch {
            return "The log level stays '\(level)': '\(file)': \(FileProblem.reason(of: error))"
        }
    }

    private static func level(inFile path: String) throws -> Logger.Level {
        let text = String(decoding: try RegularFile.contents(of: path).prefix(64), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard let level = Logger.Level(rawValue: text) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw FileProblem("'\(text)' is not a level; expected one of \(levels).")
        }
        return level
    }
}

/// Writes log lines to standard error, from the threshold on or from a level of the logger's own.
struct ThresholdLogHandler: LogHandler {
    private let threshold: LogThreshold
    private var handler: StreamLogHandler
    private var own: Logger.Level?

    init(label: String, threshold: LogThreshold) {
        self.threshold = threshold
        handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = .trace
    }

    var logLevel: Logger.Level {
        get { own ?? threshold.level }
        set { own = newValue }
    }

    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        handler.log(event: event)
    }
}
