/// A loaded network. Any number of `infer` calls may be made at once; at most `maxConcurrency` of them run.
///
/// Further calls wait in FIFO order, which `InferenceResult.queued` reports. A call whose task is canceled stops
/// waiting at once; an inference that runs ends early where the runtime can do that.
public protocol LoadedModel: InferenceSession {
    /// Most inferences that run at a time.
    var maxConcurrency: Int { get }
    /// Runs every session of the model on the inputs, so that the first request finds memory laid out.
    func warmUp(_ inputs: [String: Tensor]) async throws
}
