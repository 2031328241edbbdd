/// Answers predictions. Transports and the command call it; the implementation may run in this process or in another.
package protocol PredictionService: Sendable {
    /// Segments the images of a query.
    ///
    /// - Parameter grant: the permissions of the caller.
    func predict(_ query: PredictionQuery, grant: Grant) async throws(ServiceError) -> PredictionOutcome
}
