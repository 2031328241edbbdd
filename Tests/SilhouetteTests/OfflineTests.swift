import Foundation
import TestSupport
import Testing

/// The program, in a network of its own with an empty home, looks up nothing, connects to nothing and leaves no file behind.
/// ONNX Runtime otherwise sends usage data: it makes its files when it is loaded, and looks up its collector within 12 seconds.
@Suite(.timeLimit(.minutes(2))) struct OfflineTests {
    /// A program without `CI`, which silences telemetry too, in an empty home.
    private struct Sandbox {
        let home: URL
        let folder: URL
        private let record: URL
        private let library: URL?

        init() throws {
            folder = try TestFiles.temporaryFolder()
            home = folder.appending(path: "home")
            record = folder.appending(path: "network")
            for name in ["home", "home/tmp"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: name), withIntermediateDirectories: true)
            }
            library = try Self.recorder(in: folder)
        }

        /// Runs the program. With a recorder it has no network but what the recorder sees it ask for.
        func process(_ arguments: [String]) -> Process {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            var environment = ["HOME": home.path, "TMPDIR": home.appending(path: "tmp").path]
            for name in ["PATH", "SILHOUETTE_ORT_LIBRARY"] {
                environment[name] = ProcessInfo.processInfo.environment[name]
            }
            environment["RECORD_NETWORK"] = record.path
            let program = [Program.executable.path] + arguments
            process.arguments =
                library.map { ["unshare", "-rn", "env", "LD_PRELOAD=\($0.path)"] + program } ?? program
            process.environment = environment
            process.currentDirectoryURL = TestFiles.root
            return process
        }

        /// Whether the network can be watched here.
        var watchesNetwork: Bool { library != nil }

        /// What was looked up or connected to, but for the address that a server listens on.
        var requests: [String] {
            ((try? String(contentsOf: record, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
                .filter { $0 != "getaddrinfo 127.0.0.1" }
        }

        var files: [String] { FileManager.default.enumerator(atPath: home.path)?.compactMap { $0 as? String } ?? [] }

        private static func recorder(in folder: URL) throws -> URL? {
            #if os(Linux)
                let library = folder.appending(path: "record_network.so")
                let source = TestFiles.root.appending(path: "scripts/record_network.c")
                guard try run(["clang", "-shared", "-fPIC", "-o", library.path, source.path, "-ldl"]),
                    try run(["unshare", "-rn", "true"])
                else { return nil }
                return library
            #else
                return nil
            #endif
        }

        private static func run(_ arguments: [String]) throws -> Bool {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = arguments
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
    }

    @Test(arguments: ["onnxruntime", "openvino"]) func predictLeavesNoFileAndAsksForNothing(backend: String) throws {
        let sandbox = try Sandbox()
        let process = sandbox.process(
            ["predict", "models/tabletop/1/sample.jpg", "--model", "tabletop/1", "--backend", backend])
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        if backend == "openvino", text.contains("OpenVINO was not found") { return }
        #expect(process.terminationStatus == 0 && text.contains("9 objects"))
        #expect(sandbox.files == ["tmp"])
        #expect(sandbox.requests.isEmpty)
    }

    @Test func aServerLeavesNoFileAndAsksForNothing() async throws {
        let sandbox = try Sandbox()
        let state = sandbox.folder.appending(path: "state")
        let log = sandbox.folder.appending(path: "log")
        try Data().write(to: log)
        let process = sandbox.process(["serve", "--port", "0", "--state", state.path, "--preload", "tabletop/1"])
        process.standardError = try FileHandle(forWritingTo: log)
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        defer { process.terminate() }
        let clock = ContinuousClock()
        let start = clock.now
        while try !String(contentsOf: log, encoding: .utf8).contains("Ready") {
            try #require(process.isRunning && clock.now - start < .seconds(60))
            try await Task.sleep(for: .milliseconds(50))
        }
        // Files are made at once; a first look-up took up to 12 seconds.
        let end = clock.now + .seconds(sandbox.watchesNetwork ? 15 : 0)
        while clock.now < end, sandbox.requests.isEmpty { try await Task.sleep(for: .milliseconds(100)) }
        #expect(sandbox.requests.isEmpty)
        #expect(sandbox.files == ["tmp"])
        #expect(process.isRunning)
    }
}
