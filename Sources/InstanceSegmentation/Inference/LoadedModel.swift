/// A loaded network. Any number of `infer` calls may be made concurrently; at most `maxConcurrency` of them run at
/// once.
///
/// Further calls wait in FIFO order, for the time that `InferenceResult.queueDuration` reports. A call whose task is
/// canceled leaves the queue at once. An inference that is running ends early if the runtime supports it.
public protocol LoadedModel: InferenceSession {
    /// Maximum number of inferences that run at once.
    var maxConcurrency: Int { get }
    /// Runs every session of the model on the inputs, so that the first request finds its memory allocated.
    func warmUp(_ inputs: [String: Tensor]) async throws
}
