import Foundation
import Synchronization
import TestSupport

/// The built program, run as people run it.
struct Program {
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The executable beside the test bundle.
    static var executable: URL {
        let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let beside = bundle.appending(path: "silhouette")
        return FileManager.default.isExecutableFile(atPath: beside.path)
            ? beside : TestFiles.root.appending(path: ".build/debug/silhouette")
    }

    static func process(_ arguments: [String], environment: [String: String] = [:]) -> Process {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = TestFiles.root
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("SILHOUETTE_") || $0.key == "SILHOUETTE_ORT_LIBRARY" }
            .merging(environment) { $1 }
        return process
    }

    /// Runs the program to its end.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        let process = process(arguments, environment: environment)
        let folder = try TestFiles.temporaryFolder()
        let (output, errors) = (folder.appending(path: "out"), folder.appending(path: "err"))
        for file in [output, errors] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}

/// A server of the built program on a free port, stopped when it is let go.
final class RunningServer {
    let process: Process
    let port: Int
    let scheme: String
    private let log: URL
    private let printed: URL

    /// Starts a server and waits until it is ready.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        let folder = try TestFiles.temporaryFolder()
        log = folder.appending(path: "log")
        printed = folder.appending(path: "printed")
        for file in [log, printed] { try Data().write(to: file) }
        process = Program.process(
            ["serve", "--port", "0", "--state", folder.appending(path: "state").path] + arguments,
            environment: environment)
        process.standardError = try FileHandle(forWritingTo: log)
        process.standardOutput = try FileHandle(forWritingTo: printed)
        try process.run()
        let end = Date(timeIntervalSinceNow: 60)
        while true {
            let text = String(decoding: try Data(contentsOf: log), as: UTF8.self)
            if text.contains("Ready"), let range = text.firstRange(of: /Listening on https?:\/\//) {
                scheme = text[range].contains("https") ? "https" : "http"
                let address = text[range.upperBound...].prefix { !$0.isNewline && $0 != " " }
                port = address.split(separator: ":").last.flatMap { Int($0) } ?? 0
                return
            }
            guard process.isRunning, Date() < end else {
                process.terminate()
                throw Failure(log: text)
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    struct Failure: Error {
        let log: String
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    var logText: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
    var printedText: String { (try? String(contentsOf: printed, encoding: .utf8)) ?? "" }

    /// What curl prints for a request, and the status on a line of its own behind it.
    func curl(_ arguments: [String], path: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["curl", "-s", "-w", "\n%{http_code}"] + arguments + ["\(scheme)://127.0.0.1:\(port)\(path)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
