import Foundation
import HTTPTypes
import Hummingbird

/// Identifies requests in answers and in the log by the caller's `X-Request-ID`, or by a new UUID.
enum RequestID {
    /// The caller's identifier where it is safe to repeat: 1...128 letters, digits, dots, underscores and hyphens.
    static func identifier(of request: Request) -> String {
        guard let given = request.headers[.requestID], (1...128).contains(given.utf8.count),
            given.utf8.allSatisfy(isAllowed)
        else { return UUID().uuidString.lowercased() }
        return given
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
