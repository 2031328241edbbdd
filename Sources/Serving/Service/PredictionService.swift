/// Answers predictions. Transports and the command call it; what stands behind it may be this process or another.
package protocol PredictionService: Sendable {
    /// - Parameter grant: what the caller may do.
    func predict(_ query: PredictionQuery, grant: Grant) async throws(ServiceError) -> PredictionOutcome
}
