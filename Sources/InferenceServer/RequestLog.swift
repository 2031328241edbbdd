import Foundation
import HTTPTypes
import Hummingbird
import InstanceSegmentation
import Logging

/// What is known of a request when it is answered, for the log. A key appears only by its public id.
struct RequestLog: Sendable {
    let requestID: String
    private let method: String
    private let path: String
    var keyID: String?
    /// The predictions that the request asked for.
    private(set) var predictions: [(model: ModelID, timing: StageTiming, detections: Int, nonFinite: Int)] = []
    var error: String?

    init(_ request: Request) {
        method = request.method.rawValue
        path = request.uri.path
        let given = request.headers[.requestID]
        let isUsable =
            given.map { id in
                (1...128).contains(id.utf8.count)
                    && id.utf8.allSatisfy { byte in
                        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                            || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "._-".utf8.contains(byte)
                    }
            } ?? false
        requestID = isUsable ? given ?? "" : UUID().uuidString.lowercased()
    }

    /// Adds a prediction.
    mutating func note(_ segmentation: Segmentation, model: ModelID) {
        predictions.append(
            (model, segmentation.timing, segmentation.detections.count, segmentation.nonFiniteCount))
    }

    func write(to logger: Logger, status: Int, duration: Duration) {
        var metadata: Logger.Metadata = [
            "request": "\(requestID)", "status": "\(status)", "ms": "\(Int((duration.seconds * 1000).rounded()))",
        ]
        if let keyID { metadata["key"] = "\(keyID)" }
        if let error { metadata["error"] = "\(error)" }
        if !predictions.isEmpty { metadata["predictions"] = "\(predictions.reduce(0) { $0 + $1.detections })" }
        let nonFinite = predictions.reduce(0) { $0 + $1.nonFinite }
        if nonFinite > 0 { metadata["nonfinite"] = "\(nonFinite)" }
        logger.log(level: status >= 500 ? .warning : .info, "\(method) \(path)", metadata: metadata)
    }
}
