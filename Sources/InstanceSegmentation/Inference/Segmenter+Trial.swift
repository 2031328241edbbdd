import Imaging

extension Segmenter {
    /// Recognizes the family of a session's model by running the network on a blank image and decoding its outputs.
    ///
    /// Files may declare incomplete or wrong shapes; a run reveals the actual ones. If the initializer succeeds, the
    /// model is usable: its network runs, and its outputs are those that the family's decoder expects. If the network
    /// fails in the smallest rectangle around an image, it gets the full square from then on.
    /// - Parameters:
    ///   - settings: the settings from the files next to the model.
    ///   - usesSquareInput: whether networks with a dynamic input shape get the full square rather than the smallest
    ///     rectangle around the image.
    /// - Throws: `SegmentationError`, the runtime's error, or `CancellationError`.
    public init(
        trying session: any InferenceSession, settings: ModelSettings = ModelSettings(), usesSquareInput: Bool = false
    ) async throws {
        self = try await Segmenter.tried(ModelTrial(session: session, settings: settings), usesSquareInput)
    }

    private static func tried(_ trial: ModelTrial, _ square: Bool) async throws -> Segmenter {
        let (run, inputs) = try await trial.firstRun(usesSquareInput: square)
        let description = trial.session.modelDescription.observed(run)
        var failure: (any Error)?
        for square in square ? [true] : [false, true] {
            let model = try ModelFamily.model(for: description, settings: trial.settings, usesSquareInput: square)
            do {
                let input = try model.preprocess(ModelTrial.image)
                let repeats = input.tensors.mapValues(\.shape) == inputs
                let result =
                    repeats
                    ? InferenceResult(outputs: run.outputs, inferenceDuration: .zero)
                    : try await trial.session.infer(input.tensors)
                _ = try model.decode(result, transform: input.transform, options: PredictionOptions())
                return Segmenter(model: model, session: trial.session)
            } catch let error as CancellationError {
                throw error
            } catch { failure = failure ?? error }
        }
        throw failure ?? CancellationError()
    }
}

/// The run that shows what a model is.
private struct ModelTrial {
    let session: any InferenceSession
    let settings: ModelSettings

    /// An image without content.
    static let image = RasterImage(size: ImageSize(width: 640, height: 320), color: .black)

    /// Runs the network on the image as the family wants it that the file seems to be of, else on zeros.
    /// - Returns: the run, and the shapes of the inputs that were given.
    func firstRun(usesSquareInput: Bool) async throws -> (TrialRun, inputs: [String: [Int]]) {
        let description = session.modelDescription
        try description.checkLimits()
        let configuration = try ModelConfiguration(metadata: description.metadata, settings: settings)
        var attempts: [[String: Tensor]] = []
        var failure: (any Error)?
        for square in usesSquareInput ? [true] : [false, true] {
            do {
                let model = try ModelFamily.model(for: description, settings: settings, usesSquareInput: square)
                attempts.append(try model.preprocess(Self.image).tensors)
            } catch { failure = failure ?? error }
        }
        if let zeros = description.zeros(size: configuration.trialSize) { attempts.append([zeros.name: zeros.tensor]) }
        if let failure, attempts.isEmpty { throw failure }
        failure = nil
        var tried = Set<[String: [Int]]>()
        for inputs in attempts {
            let shapes = inputs.mapValues(\.shape)
            guard let shape = shapes.values.first, tried.insert(shapes).inserted else { continue }
            do {
                let result = try await session.infer(inputs)
                try result.checkLimits()
                return (TrialRun(inputShape: shape, outputs: result.outputs), shapes)
            } catch let error as CancellationError {
                throw error
            } catch { failure = failure ?? error }
        }
        throw failure ?? SegmentationError.unrecognizedModel(found: description.summary, expected: "one image input")
    }
}

extension ModelConfiguration {
    /// The size of the image in a trial run, where the file leaves it free: sides are multiples of the stride.
    fileprivate var trialSize: ImageSize {
        let size = settings.inputSize ?? inputSize ?? ImageSize(width: 640, height: 640)
        func padded(_ side: Int) -> Int { (side + stride - 1) / stride * stride }
        return ImageSize(width: padded(size.width), height: padded(size.height))
    }
}
