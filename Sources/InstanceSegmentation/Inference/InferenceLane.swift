/// One place to run a model: blocking calls into a runtime on a thread of its own, one at a time. Several lanes may share what is loaded.
package actor InferenceLane: InferenceSession {
    package nonisolated let model: ModelDescription
    private let run: @Sendable ([String: Tensor]) throws -> [String: Tensor]
    private let executor: ThreadExecutor

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - name: of the thread.
    ///   - run: runs the network, and blocks the calling thread meanwhile.
    package init(
        model: ModelDescription, name: String, run: @escaping @Sendable ([String: Tensor]) throws -> [String: Tensor]
    ) {
        self.model = model
        self.run = run
        executor = ThreadExecutor(name: name)
    }

    package func infer(_ inputs: [String: Tensor]) async throws -> InferenceResult {
        let clock = ContinuousClock()
        let start = clock.now
        let outputs = try run(inputs)
        return InferenceResult(outputs: outputs, ran: clock.now - start)
    }
}
