/// Answers predictions. Transports and the command call it; the implementation may run in this process or in another.
package protocol PredictionService: Sendable {
    /// - Parameter grant: what the caller may do.
    func predict(_ query: PredictionQuery, grant: Grant) async throws(ServiceError) -> PredictionOutcome
}
