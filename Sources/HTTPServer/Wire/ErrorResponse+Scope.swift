import AnnotationFormats
import HTTPTypes
import Serving

extension ErrorResponse {
    /// The answer to a caller who lacks a scope, in the style of the route.
    init(missing scope: APIKey.Scope, hasKey: Bool, style: ErrorStyle) {
        let message =
            hasKey
            ? "The API key lacks the scope '\(scope.rawValue)'; 'silhouette keys create --scope \(scope.rawValue)' creates "
                + "a key that has it."
            : "Without API keys, requests of the scope '\(scope.rawValue)' are accepted only by a server that listens on "
                + "a loopback address."
        self.init(.forbidden, "missing_scope", message: message)
        guard style == .management else { return }
        var writer = JSONWriter()
        writer.raw(#"{"error":{"message":"#)
        writer.string(message)
        writer.raw("}}")
        self.init(status: .forbidden, label: label, body: writer.bytes)
    }
}
