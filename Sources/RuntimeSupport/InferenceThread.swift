package import InstanceSegmentation

/// A session of a runtime as a function: runs the network on its inputs and blocks the calling thread meanwhile.
/// Several threads may call it at once.
package typealias BlockingRun = @Sendable (_ inputs: [String: Tensor]) throws -> [String: Tensor]

/// A thread that runs networks, one at a time.
actor InferenceThread {
    private let executor: ThreadExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Starts the thread.
    init(name: String) {
        executor = ThreadExecutor(name: name)
    }

    /// Runs a network, after the calls before it.
    func infer(_ inputs: [String: Tensor], with run: BlockingRun) throws -> InferenceResult {
        let clock = ContinuousClock()
        let start = clock.now
        let outputs = try run(inputs)
        return InferenceResult(outputs: outputs, inferenceDuration: clock.now - start)
    }
}
