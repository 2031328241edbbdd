public import InstanceSegmentation

/// One place to run a model: calls into ONNX Runtime on a thread of its own, one at a time. Several lanes share a session.
public actor ONNXLane: InferenceSession {
    public nonisolated let model: ModelDescription
    private let session: ONNXSession
    private let executor: ThreadExecutor

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(session: ONNXSession, name: String) {
        self.session = session
        model = session.description
        executor = ThreadExecutor(name: name)
    }

    public func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        let clock = ContinuousClock()
        let start = clock.now
        let outputs = try session.run(inputs)
        return InferenceResult(outputs: outputs, ran: clock.now - start)
    }
}
