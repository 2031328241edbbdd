/// An error of a runtime that may say what is wrong with a model.
public protocol ModelLoadingError: Error {
    /// What is wrong with the model, in words that the callers of a service understand. It names no path but those of the model's own
    /// files. `nil` where the machine is at fault, and its log says why.
    var modelFault: String? { get }
}
