import InstanceSegmentation
import Serving

/// Whether a request for a model may be answered now.
struct Readiness: Sendable {
    let state: ServerState
    let pool: ModelPool

    /// Checks that a model is served and that the caller may use it. Models that the caller's key does not open are not named.
    /// - Throws: `ServiceError.unauthorized` for a key of other models, `ServiceError.unknownModel`.
    func check(_ id: ModelID, _ grant: Grant) throws {
        try grant.require(id)
        let index = pool.repository.index
        guard index[id] != nil else {
            throw ServiceError.unknownModel(id, served: index.ids.filter(grant.allows))
        }
    }

    /// Checks that the server is ready, or still loads other models and has this one.
    /// - Throws: `ServiceError.notReady`.
    func requireReady(_ id: ModelID) async throws {
        if state.isReady { return }
        guard await pool.isLoaded(id) else { throw ServiceError.notReady }
    }
}
