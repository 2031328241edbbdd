import Foundation
import HTTPTypes
import InstanceSegmentation

/// What a path means. Repeated slashes count as one and a slash at the end is ignored, without a redirect: base URLs that
/// end in a slash make clients send `//dataset/1`, and a redirect would turn their POST into a GET.
enum Route: Equatable {
    case health
    case readiness
    case info
    case metrics
    /// A page or a script for browsers.
    case asset(Asset)
    /// A prediction.
    case model(ModelID)
    // What the inference-sdk package calls.
    case infer
    case registry
    case addModel
    case removeModel
    case clearModels
    // What scripts for the open server call.
    case start(ModelID)
    case clearCache
    // What the roboflow package calls.
    case keyCheck
    case workspace(String)
    case project(String, workspace: String)
    case version(ModelID, workspace: String)
    case trainings(ModelID, isOne: Bool)
    case unknown

    /// - Parameters:
    ///   - served: the models there are. Two segments in a GET mean a model to one generation of clients and a project to
    ///     another; what is served decides.
    ///   - hasImage: whether the query has an image. Both are evaluated only where they decide.
    init(
        path: String, method: HTTPRequest.Method, served: @autoclosure () -> [ModelID] = [],
        hasImage: @autoclosure () -> Bool = false
    ) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: true).map { $0.removingPercentEncoding }
        // Decoded once; a slash or a step upwards inside a segment names nothing.
        guard segments.allSatisfy({ segment in segment.map { $0 != "." && $0 != ".." && !$0.contains("/") } ?? false })
        else {
            self = .unknown
            return
        }
        let names = segments.compactMap(\.self)
        switch names {
        case ["healthz"]: self = .health
        case ["readiness"]: self = .readiness
        case ["info"]: self = .info
        case ["metrics"]: self = .metrics
        case ["docs"]: self = .asset(.docs)
        case ["openapi.json"]: self = .asset(.openAPI)
        case ["clear_cache"]: self = .clearCache
        case _ where names.count == 3 && names[0] == "start":
            self = .start(ModelID(dataset: names[1], version: names[2]))
        case ["infer", "instance_segmentation"]: self = .infer
        case ["model", "registry"]: self = .registry
        case ["model", "add"]: self = .addModel
        case ["model", "remove"]: self = .removeModel
        case ["model", "clear"]: self = .clearModels
        case []: self = method == .post ? .keyCheck : .asset(.playground)
        // Pages name the script with the version of the original in front: /0.2.26/roboflow.js.
        case _ where Asset.script(names[names.count - 1]) != nil && names.count <= 2:
            self = Asset.script(names[names.count - 1]).map(Route.asset) ?? .unknown
        case _ where ModelDirectory.reservedNames.contains(names[0]): self = .unknown
        default: self = Self.named(names, method, served, hasImage)
        }
    }

    /// The paths that begin with a name of the user's.
    private static func named(
        _ names: [String], _ method: HTTPRequest.Method, _ served: () -> [ModelID], _ hasImage: () -> Bool
    ) -> Route {
        switch names.count {
        case 1:
            let isSlug =
                names[0].utf8.allSatisfy { byte in
                    "-_".utf8.contains(byte)
                        || byte < 128 && (Character(Unicode.Scalar(byte)).isLetter || 48...57 ~= byte)
                } && !names[0].hasPrefix("-") && !names[0].hasPrefix("_")
            return isSlug ? .workspace(names[0]) : .unknown
        case 2:
            let id = ModelID(dataset: names[0], version: names[1])
            guard method == .get, !hasImage() else { return .model(id) }
            let served = served()
            let isProject = served.contains { $0.dataset == names[1] } && !served.contains(id)
            return isProject ? .project(names[1], workspace: names[0]) : .model(id)
        case 3: return .version(ModelID(dataset: names[1], version: names[2]), workspace: names[0])
        case 5 where names[3...] == ["v2", "trainings"]:
            return .trainings(ModelID(dataset: names[1], version: names[2]), isOne: false)
        case 6 where names[3...] == ["v2", "trainings", "get"]:
            return .trainings(ModelID(dataset: names[1], version: names[2]), isOne: true)
        default: return .unknown
        }
    }

    /// The methods that the route answers; OPTIONS always comes on top.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .health, .readiness, .info, .metrics: [.get, .head]
        case .asset(.playground): [.get, .head, .post]
        case .asset: [.get, .head]
        case .model, .project: [.get, .post]
        case .registry, .workspace, .version, .trainings, .start, .clearCache: [.get]
        case .keyCheck: [.get, .head, .post]
        case .infer, .addModel, .removeModel, .clearModels: [.post]
        case .unknown: []
        }
    }

    /// The methods that a path answers with any of its routes.
    static func methods(ofPath path: String, served: [ModelID]) -> [HTTPRequest.Method] {
        let routes = [HTTPRequest.Method.get, .post].map { Route(path: path, method: $0, served: served) }
        let methods = Set(routes.flatMap(\.methods))
        return methods.isEmpty ? [.get, .post] : [.get, .head, .post].filter(methods.contains)
    }

    /// How an error is told on the route.
    var errorStyle: ErrorStyle {
        switch self {
        case .infer, .registry, .addModel, .removeModel, .clearModels, .start, .clearCache: .infer
        case .keyCheck, .workspace, .project, .version, .trainings: .management
        case .health, .readiness, .info, .metrics, .asset, .model, .unknown: .hosted
        }
    }

    /// Whether a GET of the route changes what the server holds, as scripts for the open server expect.
    var changesState: Bool {
        switch self {
        case .clearCache, .start: true
        default: false
        }
    }

    /// Whether pages of all origins may read the answer. Static files and health reveal nothing.
    var isPublic: Bool {
        switch self {
        case .health, .readiness, .asset: true
        default: false
        }
    }

    /// The route's name in metrics.
    var label: String {
        switch self {
        case .health: "healthz"
        case .readiness: "readiness"
        case .info: "info"
        case .metrics: "metrics"
        case .asset: "asset"
        case .model: "predict"
        case .infer: "infer"
        case .registry: "registry"
        case .addModel: "add"
        case .removeModel: "remove"
        case .clearModels, .clearCache: "clear"
        case .start: "start"
        case .keyCheck: "key"
        case .workspace: "workspace"
        case .project: "project"
        case .version: "version"
        case .trainings: "trainings"
        case .unknown: "unknown"
        }
    }
}

/// The generations of the interface tell a wrong key in different ways.
enum ErrorStyle: Sendable {
    case hosted
    case infer
    case management
}
