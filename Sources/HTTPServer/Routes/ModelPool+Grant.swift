import InstanceSegmentation
import Serving

extension ModelPool {
    /// Loads a model for a caller. It may have been removed since the caller's request was checked.
    /// - Throws: `ServiceError`, which names only models that the caller may use.
    func load(_ id: ModelID, for grant: Grant) async throws {
        do { _ = try await model(id) } catch { throw ServiceError(error).visible(to: grant) }
    }

    /// Evicts a model for a caller. It may have been removed since the caller's request was checked.
    /// - Throws: `ServiceError`, which names only models that the caller may use.
    func close(_ id: ModelID, for grant: Grant) async throws {
        do { try close(id) } catch { throw ServiceError(error).visible(to: grant) }
    }
}
