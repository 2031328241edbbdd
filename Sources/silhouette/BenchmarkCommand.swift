import AnnotationFormats
import ArgumentParser
import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation
import Logging
import ONNXRuntimeBackend
import Serving

struct BenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Times the stages of a prediction against the network's own time.",
        discussion: """
            The floor is one run of the same file by ONNX Runtime with its default settings and as many threads as there are \
            cores, measured in turns with the prediction. Times are medians.
            """)

    @Argument(
        help: ArgumentHelp(
            "Images or folders of images. Default: a generated image of 1280x720 pixels.", valueName: "image"))
    var images: [String] = []

    @OptionGroup var models: ModelOptions

    @OptionGroup var backends: BackendOptions

    @Option(
        help: ArgumentHelp("The model as DATASET/VERSION; by default tabletop/1, or the only one.", valueName: "model"))
    var model: String?

    @Option(help: "Predictions of each image.")
    var iterations = 20

    @Flag(help: "Give networks with dynamic input shape the full square instead of the smallest rectangle.")
    var square = false

    @Flag(help: "Decode every JPEG in full.")
    var fullDecode = false

    @Option(
        help: ArgumentHelp(
            "Measure instead how many bare runs a second this many callers get, in each way to share the cores.",
            valueName: "n"))
    var callers: Int?

    @Flag(help: "Print one line of JSON for each image.")
    var json = false

    func validate() throws {
        try requireSwitches("SQUARE", "FULL_DECODE")
        guard (1...10_000).contains(iterations) else { throw ValidationError("--iterations must be from 1 to 10000.") }
        if let callers, !(1...256).contains(callers) { throw ValidationError("--callers must be from 1 to 256.") }
    }

    func run() async throws {
        let files = try ImageFiles.find(images)
        let location = try models.location(model ?? environment("MODEL"))
        var logger = Logger(label: "silhouette")
        logger.logLevel = .error
        if let callers { return try await measureRuns(location, files, callers: callers, logger: logger) }
        let service = try await CommandService(
            location, backend: try backends.open(logger: logger), usesSquareInput: square || environmentFlag("SQUARE"),
            decodesInFull: decodesInFull)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let floor = try await ONNXRuntimeBackend(options: .standard(threads: cores), logger: logger).load(
            modelAt: location.file, concurrency: 1)
        try await forEachImage(files) { file, bytes in
            let result = try await measure(bytes, service: service, floor: floor)
            print(json ? result.json(file: file, model: location.id) : result.table(file: file, model: location.id))
        }
    }

    private var decodesInFull: Bool { fullDecode || environmentFlag("FULL_DECODE") }

    /// Calls a function with the name and the bytes of each image, one after the other.
    /// - Parameter files: their paths; without any an image is made.
    private func forEachImage(_ files: [String], _ body: (String, Data) async throws -> Void) async throws {
        for file in files {
            let bytes: Data
            do throws(FileProblem) { bytes = try RegularFile.contents(of: file) } catch {
                throw Refusal(description: "\(file.printable): \(error)")
            }
            try await body(file, bytes)
        }
        if files.isEmpty { try await body("an image made for it", Self.generatedImage()) }
    }

    private static func generatedImage() throws -> Data {
        // Waves of many lengths in three colors: as much work for a decoder as a photograph is.
        let size = ImageSize(width: 1280, height: 720)
        let pixels = (0..<3 * size.area).map { i -> UInt8 in
            let (x, y, channel) = (i / 3 % size.width, i / 3 / size.width, i % 3)
            let wave =
                sin(Double(x * (channel + 2)) / 17 + Double(y) / 29) + sin(Double(x * y) / 9000 + Double(channel))
            return UInt8(127 + 60 * wave)
        }
        return Data(try RasterImage(size: size, pixels: pixels).encoded(as: .jpeg, quality: 90))
    }

    /// What callers can get at most: bare runs, without images and answers.
    private func measureRuns(
        _ location: ModelLocation, _ files: [String], callers: Int, logger: Logger
    ) async throws {
        var runs = try await RawThroughput(modelAt: location.file, callers: callers, logger: logger)
        let model = try await Segmenter(
            trying: runs.arrangements[0].model, settings: try location.settings(),
            usesSquareInput: square || environmentFlag("SQUARE")
        ).model
        try await forEachImage(files) { file, bytes in
            let image = try bytes.withUnsafeBytes { try RasterImage(decoding: $0) }
            try await runs.measure(try model.preprocess(image).tensors)
            print(
                json
                    ? runs.json(file: file, model: location.id)
                    : "\(file.printable), \(location.id)\n\(runs.table())")
        }
    }

    private func measure(
        _ bytes: Data, service: CommandService, floor: any InferenceSession
    ) async throws -> StageMedians {
        let clock = ContinuousClock()
        let query = SegmentationQuery(decodesInFull: decodesInFull)
        // The floor gets the tensors that the service gives to the network.
        let segmenter = service.model.segmenter
        let image = try segmenter.decode(EncodedImage(bytes), for: query)
        let input = try segmenter.model.preprocess(image)
        var runs: [StageMedians.Run] = []
        for iteration in 0..<iterations + 2 {
            // The floor's threads go on spinning for a while after their run and would take a core from ours.
            try await Task.sleep(for: .milliseconds(40))
            let start = clock.now
            let found = try await service.predict(bytes, query).segmentation
            let segmented = clock.now
            let answer = PredictionResponse(found).json()
            let end = clock.now
            try await Task.sleep(for: .milliseconds(40))
            let raw = try await floor.infer(input.tensors)
            guard iteration >= 2 else { continue }  // the first runs lay out memory
            runs.append(
                StageMedians.Run(
                    stages: [
                        found.timing.decode, found.timing.preprocess, found.timing.inference,
                        found.timing.postprocess, found.timing.outlines + (end - segmented),
                    ], total: end - start, floor: raw.inferenceDuration))
            if iteration == iterations + 1 {
                return StageMedians(
                    runs: runs, imageSize: image.originalSize, networkSize: input.transform.networkSize,
                    objects: found.detections.count, answerSize: answer.count)
            }
        }
        throw ExitCode(1)  // not reached: there is at least one iteration
    }
}

/// Median times of an image's predictions.
struct StageMedians {
    struct Run {
        /// In the order of `names`.
        let stages: [Duration]
        let total: Duration
        let floor: Duration
    }

    static let names = ["decode", "preprocess", "inference", "postprocess", "outlines and JSON"]

    private let stages: [Double]
    private let total: Double
    private let floor: Double
    private let imageSize: ImageSize
    private let networkSize: ImageSize
    private let objects: Int
    private let answerSize: Int

    init(runs: [Run], imageSize: ImageSize, networkSize: ImageSize, objects: Int, answerSize: Int) {
        func median(_ value: (Run) -> Duration) -> Double {
            let sorted = runs.map(value).sorted()
            return sorted[sorted.count / 2].seconds * 1000
        }
        stages = Self.names.indices.map { i in median { $0.stages[i] } }
        total = median(\.total)
        floor = median(\.floor)
        self.imageSize = imageSize
        self.networkSize = networkSize
        self.objects = objects
        self.answerSize = answerSize
    }

    func table(file: String, model: ModelID) -> String {
        func row(_ name: String, _ milliseconds: Double) -> String {
            "  " + name.padded(to: 20) + String(format: "%9.2f ms  %6.3f", milliseconds, milliseconds / floor)
        }
        let rows = zip(Self.names, stages).map { row($0.0, $0.1) }
        return
            ([
                "\(file.printable)  \(imageSize), \(model) at \(networkSize), \(objects) objects, \(answerSize) bytes of JSON",
                "  stage                   median   of the floor",
            ] + rows + [row("whole prediction", total), row("floor: Run alone", floor)]).joined(separator: "\n")
    }

    func json(file: String, model: ModelID) -> String {
        var writer = JSONWriter()
        writer.raw(#"{"file":"#)
        writer.string(file)
        writer.raw(#","model":"#)
        writer.string("\(model)")
        writer.raw(#","network":"#)
        writer.string("\(networkSize)")
        writer.raw(#","milliseconds":{"#)
        for (name, value) in zip(["decode", "preprocess", "inference", "postprocess", "encode"], stages) {
            writer.string(name)
            writer.raw(":")
            writer.number(rounded(value))
            writer.raw(",")
        }
        writer.raw(#""total":"#)
        writer.number(rounded(total))
        writer.raw(#","floor":"#)
        writer.number(rounded(floor))
        writer.raw(#"},"ratio":"#)
        writer.number(rounded(total / floor))
        writer.raw("}")
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
