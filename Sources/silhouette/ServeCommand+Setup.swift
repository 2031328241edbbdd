import ArgumentParser
import Foundation
import HTTPServer
import InstanceSegmentation
import Logging
import Serving

extension ServeCommand {
    /// Who may use the server, and a key of theirs where it is known.
    func access(logger: Logger) throws -> (Access, String?) {
        if isOpen { return (.open(on: host), nil) }
        let store = try KeyStore(folder: URL(filePath: state)) { logger.warning("\($0)") }
        if let secret = environment("API_KEY") {
            _ = try store.importKey(secret: secret, name: "SILHOUETTE_API_KEY")
            return (.keys(store), secret)
        }
        guard try store.keys().isEmpty else { return (.keys(store), nil) }
        let made = try store.create(name: "first start", limits: APIKey.Limits(scopes: APIKey.Scope.all))
        do {
            try printLine("API key (shown this once; 'silhouette keys create' makes more): \(made.secret)")
        } catch {
            _ = try store.revoke(id: made.key.id)
            throw Refusal(description: "A key was made but cannot be printed: \(FileProblem.reason(of: error))")
        }
        return (.keys(store), made.secret)
    }

    func preloaded(_ served: [ModelID]) throws -> [ModelID] {
        switch preload {
        case "all": return Array(served.prefix(mostModels ?? .max))
        case "none": return []
        default:
            return try preload.split(separator: ",").map { name in
                let name = name.trimmingCharacters(in: .whitespaces)
                guard let id = served.first(where: { $0.description == name }) else {
                    throw ValidationError("--preload names '\(name)', which is not in \(models.folder).")
                }
                return id
            }
        }
    }
}
