import ArgumentParser
import Foundation
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
            measured on pictures like those that the model will see; some dozens are enough. Then the speed of both is measured and \
            printed, and with --annotations the accuracy: look at both before you use it.
            """)

    @Argument(help: ArgumentHelp("The model as DATASET/VERSION.", valueName: "model"))
    var model: String

    @OptionGroup var models: ModelOptions

    @Option(
        help: ArgumentHelp(
            "Pictures that the ranges are measured on: a folder or a file. Repeatable.", valueName: "dir"))
    var images: [String]

    @Option(help: "Most pictures that are used.")
    var count = 64

    @Option(
        help: ArgumentHelp(
            "The version of the copy; by default the model's with -int8 behind it.", valueName: "version"))
    var version: String?

    @Option(
        help: ArgumentHelp(
            "True objects in COCO's format: the accuracy of both is measured on them.", valueName: "file"))
    var annotations: String?

    @Option(
        help: ArgumentHelp("Folder of the annotated pictures; by default the first of --images.", valueName: "dir"))
    var annotatedImages: String?

    @Option(help: "The Python that has the packages.")
    var python = environment("PYTHON") ?? "python3"

    func validate() throws {
        guard (1...4096).contains(count) else { throw ValidationError("--count must be from 1 to 4096.") }
        guard !images.isEmpty else { throw ValidationError("Say where pictures are with --images.") }
        if let version, ModelID("x/\(version)") == nil || version.hasPrefix(".") {
            throw ValidationError("--version '\(version)' is no name of a folder.")
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
        let folder = FileManager.default.temporaryDirectory.appending(path: "silhouette-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let used = try await writeInputs(location, to: folder)
        let script = folder.appending(path: "quantize.py")
        try Data(PackageResources.quantize_py).write(to: script)
        let output = folder.appending(path: "model.onnx")
        guard try run([script.path, location.file.path, folder.path, output.path], isQuiet: false) == 0 else {
            throw ValidationError("The model could not be quantised; what Python printed says why.")
        }
        // Everything else that lies beside the model belongs to the copy too.
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path)
        where name.hasSuffix(".json") || name.hasSuffix(".txt") {
            try FileManager.default.copyItem(at: source.appending(path: name), to: target.appending(path: name))
        }
        try FileManager.default.moveItem(at: output, to: target.appending(path: "model.onnx"))
        let id = "\(location.id.dataset)/\(version)"
        print("\(id) is made of \(location.id), with ranges measured on \(used) pictures.")
        try await compare([location.id.description, id])
    }

    /// Prints what the copy brings and, where true objects are known, what it costs.
    private func compare(_ names: [String]) async throws {
        let picture = try PictureFiles.find(images)[0]
        print("\nSpeed of both, on one of the pictures:")
        for name in names {
            try await BenchmarkCommand.parse([
                "--models", models.folder, "--model", name, "--backend", "onnxruntime", picture,
            ]).run()
        }
        guard let annotations else {
            print(
                "\nAccuracy: say --annotations, or compare what 'silhouette evaluate' says of both before you use the copy."
            )
            return
        }
        print("\nAccuracy of both:")
        for name in names {
            try await EvaluateCommand.parse([
                "--models", models.folder, "--model", name, "--backend", "onnxruntime", "--annotations", annotations,
                "--images", annotatedImages ?? images[0],
            ]).run()
        }
    }

    /// Writes the network's inputs for the pictures, as the model's family makes them.
    private func writeInputs(_ location: ModelLocation, to folder: URL) async throws -> Int {
        var logger = Logger(label: "silhouette")
        logger.logLevel = .error
        let lane = try await ONNXRuntimeBackend(options: .standard(threads: 1), logger: logger).open(
            modelAt: location.file.path, lanes: 1)[0]
        let family = try ModelFamily.model(for: lane.model, settings: try location.settings())
        guard lane.model.inputs.count == 1, lane.model.inputs[0].elementType == .float32 else {
            throw ValidationError("\(location.id) is not a model of 32-bit floats; there is nothing to gain.")
        }
        var list: [[String: Any]] = []
        for (number, file) in try PictureFiles.find(images).prefix(count).enumerated() {
            let image = try Data(contentsOf: URL(filePath: file)).withUnsafeBytes { try Image(decoding: $0) }
            for (input, tensor) in try family.preprocess(image).tensors {
                let name = "\(number).bin"
                try tensor.withElements { Data(buffer: $0) }.write(to: folder.appending(path: name))
                list.append(["file": name, "input": input, "shape": tensor.shape])
            }
        }
        guard !list.isEmpty else { throw ValidationError("There is no picture in \(images.joined(separator: ", ")).") }
        try JSONSerialization.data(withJSONObject: list).write(to: folder.appending(path: "inputs.json"))
        return list.count
    }

    /// Runs Python; its exit status.
    private func run(_ arguments: [String], isQuiet: Bool) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python] + arguments
        if isQuiet {
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
        }
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
