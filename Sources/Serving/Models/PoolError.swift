public import InstanceSegmentation

/// The reason why a model cannot be served.
public enum PoolError: Error, Equatable, CustomStringConvertible {
    /// There is no such model.
    /// - Parameter served: the models that exist.
    case unknownModel(ModelID, served: [ModelID])
    /// The model is still loading.
    case notReady
    /// Too many requests wait for the model.
    case overloaded
    /// The model cannot be loaded.
    case unusable(ModelID, reason: String)

    public var description: String {
        switch self {
        case .unknownModel(let id, _): "There is no model \(id)."
        case .notReady: "The model is still loading; try again later."
        case .overloaded: "Too many requests wait for the model; try again later."
        case .unusable(let id, let reason): "The model \(id) cannot be used. \(reason)"
        }
    }
}
