import Foundation
import HTTPTypes
import InstanceSegmentation

/// What a path means. Repeated slashes count as one and a slash at the end is ignored, without a redirect: base URLs that
/// end in a slash make clients send `//dataset/1`, and a redirect would turn their POST into a GET.
enum Route: Equatable {
    case health
    case readiness
    case info
    case model(ModelID)
    case unknown

    init(path: String) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: true).map { $0.removingPercentEncoding }
        // Decoded once; a slash or a step upwards inside a segment names nothing.
        guard segments.allSatisfy({ segment in segment.map { $0 != "." && $0 != ".." && !$0.contains("/") } ?? false })
        else {
            self = .unknown
            return
        }
        switch segments.compactMap(\.self) {
        case ["healthz"]: self = .health
        case ["readiness"]: self = .readiness
        case ["info"]: self = .info
        case let names where names.count == 2 && !ModelDirectory.reservedNames.contains(names[0]):
            self = .model(ModelID(dataset: names[0], version: names[1]))
        default: self = .unknown
        }
    }

    /// The methods that the route answers; OPTIONS always comes on top.
    var methods: Set<HTTPRequest.Method> {
        switch self {
        case .health, .readiness, .info: [.get, .head]
        case .model: [.get, .post]
        case .unknown: []
        }
    }
}
