import ArgumentParser
import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
import Logging
import ONNXRuntimeBackend

struct QuantizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Makes an 8-bit copy of a model, which is quicker on processors with VNNI.",
        discussion: """
            The copy is made by onnxruntime's own tool, which needs Python with the packages onnx and onnxruntime. Its ranges are \
            measured on images like those that the model will see; some dozens are enough. Then the speed of both is measured and \
            printed, and with --annotations the accuracy: look at both before you use it. An image that cannot be read is \
            named and left out; the exit code is then 1. An existing version is never replaced.
            """)

    @Argument(help: ArgumentHelp("The model as DATASET/VERSION.", valueName: "model"))
    var model: String

    @OptionGroup var models: ModelOptions

    @Option(
        help: ArgumentHelp(
            "Images that the ranges are measured on: a folder or a file. Repeatable.", valueName: "dir"))
    var images: [String]

    @Option(help: "Maximum number of images that are used.")
    var count = 64

    @Option(
        help: ArgumentHelp(
            "The version of the copy; by default the model's followed by -int8.", valueName: "version"))
    var version: String?

    @Option(
        help: ArgumentHelp(
            "True objects in COCO's format: the accuracy of both is measured on them.", valueName: "file"))
    var annotations: String?

    @Option(
        help: ArgumentHelp("Folder of the annotated images; by default the first of --images.", valueName: "dir"))
    var annotatedImages: String?

    @Option(help: "The Python that has the packages.")
    var python = environment("PYTHON") ?? "python3"

    func validate() throws {
        guard (1...4096).contains(count) else { throw ValidationError("--count must be from 1 to 4096.") }
        guard !images.isEmpty else { throw ValidationError("Say where images are with --images.") }
        if let version, ModelID("x/\(version)") == nil || version.hasPrefix(".") {
            throw ValidationError("--version '\(version)' is not a folder name.")
        }
    }

    func run() async throws {
        let location = try models.location(model)
        let version = version ?? location.id.version + "-int8"
        let source = location.file.deletingLastPathComponent()
        let target = source.deletingLastPathComponent().appending(path: version)
        guard !FileManager.default.fileExists(atPath: target.path) else {
            throw ValidationError("\(target.path) exists; choose another --version, or remove it.")
        }
        guard try run(["-c", "import onnx, onnxruntime.quantization"], isQuiet: true) == 0 else {
            throw ValidationError(
                "\(python) has no onnxruntime and onnx. Install them with 'pip install onnx onnxruntime', in a virtual environment if "
                    + "need be, and name its Python with --python.")
        }
        let found = InputImages(images)
        for problem in found.problems { report(problem) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "silhouette-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (used, unread) = try await writeInputs(location, of: found.files, to: folder)
        guard !used.isEmpty else {
            throw Refusal(description: "There is no image that can be read in \(images.joined(separator: ", ")).")
        }
        let script = folder.appending(path: "quantize.py")
        try Data(PackageResources.quantize_py).write(to: script)
        let output = folder.appending(path: "model.onnx")
        guard try run([script.path, location.file.path, folder.path, output.path], isQuiet: false) == 0 else {
            throw ValidationError("The model could not be quantized; what Python printed says why.")
        }
        try install(output, from: source, as: target)
        let id = "\(location.id.dataset)/\(version)"
        let count = "\(used.count) \(used.count == 1 ? "image" : "images")"
        print("\(id) is made of \(location.id), with ranges measured on \(count).")
        try await compare([location.id.description, id], image: used[0])
        if unread + found.problems.count > 0 { throw ExitCode(1) }
    }

    /// Puts the copy and the files that lie next to the model into a folder that does not exist yet, all at once.
    private func install(_ output: URL, from source: URL, as target: URL) throws {
        let files = FileManager.default
        let folder = target.deletingLastPathComponent().appending(path: ".silhouette-\(UUID().uuidString)")
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: folder) }
        let namesFile = try ModelSettings.namesFile(in: source)
        for name in try files.contentsOfDirectory(atPath: source.path)
        where name != "model.onnx" && (name.hasSuffix(".json") || name.hasSuffix(".txt") || name == namesFile) {
            try files.copyItem(at: source.appending(path: name), to: folder.appending(path: name))
        }
        try files.moveItem(at: output, to: folder.appending(path: "model.onnx"))
        guard rename(folder.path, target.path) == 0 else {
            throw Refusal(description: "\(target.path) cannot be made: \(FileProblem(code: errno))")
        }
    }

    /// Prints the speed of both and, where true objects are known, their accuracy.
    private func compare(_ names: [String], image: String) async throws {
        print("\nSpeed of both, on one of the images:")
        for name in names {
            try await BenchmarkCommand.parse([
                "--models", models.folder, "--model", name, "--backend", "onnxruntime", image,
            ]).run()
        }
        guard let annotations else {
            print(
                "\nAccuracy: say --annotations, or compare what 'silhouette evaluate' says of both before you use the copy."
            )
            return
        }
        print("\nAccuracy of both:")
        var failure: ExitCode?
        for name in names {
            do {
                try await EvaluateCommand.parse([
                    "--models", models.folder, "--model", name, "--backend", "onnxruntime", "--annotations",
                    annotations, "--images", annotatedImages ?? images[0],
                ]).run()
            } catch let code as ExitCode {
                failure = code  // an image could not be read; the other model is measured on the same ones
            }
        }
        if let failure { throw failure }
    }

    /// Writes the network's inputs for the images, as the model's family makes them.
    /// - Returns: The images that were used, and how many could not be read.
    private func writeInputs(
        _ location: ModelLocation, of files: [String], to folder: URL
    ) async throws -> (used: [String], unread: Int) {
        var logger = Logger(label: "silhouette")
        logger.logLevel = .error
        let backend = try ONNXRuntimeBackend(logger: logger)
        let description = try backend.describe(modelAt: location.file)
        let session = try await backend.load(modelAt: location.file, concurrency: 1)
        let family = try await Segmenter(trying: session, settings: try location.settings()).model
        guard description.inputs.count == 1, description.inputs[0].elementType == .float32 else {
            throw ValidationError("\(location.id) is not a model of 32-bit floats; there is nothing to gain.")
        }
        var list: [[String: Any]] = []
        var used: [String] = []
        var unread = 0
        for file in files where used.count < count {
            let image: RasterImage
            do {
                image = try RegularFile.contents(of: file).withUnsafeBytes { try RasterImage(decoding: $0) }
            } catch {
                unread += 1
                report("\(file): \(FileProblem.reason(of: error))")
                continue
            }
            for (input, tensor) in try family.preprocess(image).tensors {
                let name = "\(used.count).bin"
                try tensor.withElements { Data(buffer: $0) }.write(to: folder.appending(path: name))
                list.append(["file": name, "input": input, "shape": tensor.shape])
            }
            used.append(file)
        }
        try JSONSerialization.data(withJSONObject: list).write(to: folder.appending(path: "inputs.json"))
        return (used, unread)
    }

    /// Runs Python; its exit status.
    private func run(_ arguments: [String], isQuiet: Bool) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python] + arguments
        // Read by onnxruntime when it is imported: it sends no usage data.
        process.environment = ProcessInfo.processInfo.environment.merging(["ORT_DISABLE_TELEMETRY": "1"]) { $1 }
        if isQuiet {
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
        }
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
