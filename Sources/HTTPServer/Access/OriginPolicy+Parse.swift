import Foundation

/// Why a text is not an origin.
public struct InvalidOrigin: Error, Hashable, CustomStringConvertible {
    /// The reason, to be read after "it".
    public let reason: String

    /// A sentence with the reason.
    public var description: String { "it \(reason)" }
}

extension OriginPolicy {
    /// Parses an origin as browsers send it in `Origin`: a scheme, a host, and a port unless it is the scheme's
    /// default.
    /// - Returns: the origin in lower case.
    /// - Throws: `InvalidOrigin` for anything else. An address with a path is not an origin. Its path would suggest
    ///   that only pages below it are allowed.
    public static func origin(_ text: String) throws(InvalidOrigin) -> String {
        let text = text.lowercased().trimmingCharacters(in: .whitespaces)
        guard let separator = text.firstRange(of: "://") else { throw InvalidOrigin(reason: "has no scheme") }
        guard text[..<separator.lowerBound].wholeMatch(of: /[a-z][a-z0-9+.\-]*/) != nil else {
            throw InvalidOrigin(reason: "has a scheme that is not valid")
        }
        let rest = text[separator.upperBound...]
        guard !rest.contains(",") else { throw InvalidOrigin(reason: "has a comma; name every origin by itself") }
        if let end = rest.firstIndex(where: { "/?#\\".contains($0) }) {
            let part = rest[end] == "?" ? "query" : rest[end] == "#" ? "fragment" : "path"
            throw InvalidOrigin(reason: "has a \(part), '\(rest[end...].prefix(100))'")
        }
        guard !rest.contains("@") else { throw InvalidOrigin(reason: "has a user name") }
        guard !rest.contains("*") else { throw InvalidOrigin(reason: "has a wildcard; name every host") }
        guard rest.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw InvalidOrigin(reason: "is not ASCII; write an international name as browsers send it (xn--…)")
        }
        guard !rest.hasSuffix(":"), !rest.contains("%"), let parts = Authority(addressed: text), parts.port > 0,
            isHost(parts.host, isBracketed: rest.hasPrefix("["))
        else { throw InvalidOrigin(reason: "has a host or a port that is not valid") }
        return parts.description
    }

    /// Whether a host is a name without empty labels or an address; IPv6 addresses stand in brackets.
    private static func isHost(_ host: String, isBracketed: Bool) -> Bool {
        if isBracketed || host.contains(":") {
            return isBracketed && IPAddress(text: host).map { $0.bytes.count == 16 } ?? false
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }
}
