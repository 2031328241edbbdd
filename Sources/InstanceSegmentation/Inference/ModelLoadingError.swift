/// An error of a runtime that may explain a fault of a model.
public protocol ModelLoadingError: Error {
    /// The fault of the model, described for clients of a service. It contains no path except those of the model's own
    /// files. `nil` if the cause is not the model but the machine, whose log has the reason.
    var modelFault: String? { get }
}
