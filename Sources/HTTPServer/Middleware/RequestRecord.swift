import InstanceSegmentation
import Serving
import Synchronization

/// What becomes known of a request while it is answered, for its log line and the metrics. A key appears only by its public id.
final class RequestRecord: Sendable {
    /// One image that was segmented.
    struct Prediction: Sendable {
        let model: ModelID
        let timing: StageTiming
        let detections: Int
        let nonFinite: Int
    }

    struct Content: Sendable {
        var keyID: String?
        /// The label of the error that the answer tells.
        var error: String?
        var predictions: [Prediction] = []
    }

    private let state = Mutex(Content())

    var content: Content { state.withLock { $0 } }

    func setKey(_ id: String?) { state.withLock { $0.keyID = id } }

    func setError(_ label: String) { state.withLock { $0.error = label } }

    /// Adds the predictions of an outcome.
    func add(_ outcome: PredictionOutcome) {
        let predictions = outcome.items.map { item in
            Prediction(
                model: outcome.modelID, timing: item.segmentation.timing,
                detections: item.segmentation.detections.count, nonFinite: item.segmentation.nonFiniteCount)
        }
        state.withLock { $0.predictions += predictions }
    }
}
