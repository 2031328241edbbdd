import Foundation

/// An address that may be fetched: `http` or `https`, a host, no name and password.
///
/// Read as browsers read it (the URL Standard of the WHATWG): escapes that are there stay, and only what cannot stand in an address is
/// encoded; names of hosts are brought into ASCII. What the standard repairs although it misleads readers is refused: a backslash or a
/// name before the host, and control characters.
struct FetchURL: Sendable {
    /// The address without its fragment; every character is one that RFC 3986 allows.
    let text: String
    /// The host as it is resolved; an IPv6 address without its brackets.
    let host: String
    let port: Int
    private let scheme: String
    private let authority: String
    private let path: String

    /// Longest address in bytes.
    private static let maxLength = 8192

    /// - Parameter base: what a relative address is relative to; without it only absolute ones are accepted.
    init?(_ address: String, relativeTo base: FetchURL? = nil) {
        var rest = Array(address.utf8)[...]
        while let first = rest.first, first == 32 { rest.removeFirst() }
        while let last = rest.last, last == 32 { rest.removeLast() }
        guard rest.count <= Self.maxLength, rest.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        rest = rest.prefix { $0 != UInt8(ascii: "#") }
        if let scheme = Self.takeScheme(&rest) {
            guard ["http", "https"].contains(scheme), Self.takeSlashes(&rest) else { return nil }
            self.init(scheme: scheme, &rest)
        } else if let base, rest.isEmpty {
            self = base
        } else if let base {
            if Self.takeSlashes(&rest) { self.init(scheme: base.scheme, &rest) } else { self.init(rest, on: base) }
        } else {
            return nil
        }
    }

    private init?(scheme: String, _ rest: inout ArraySlice<UInt8>) {
        let authority = rest.prefix { !"/?\\".utf8.contains($0) }
        rest = rest[authority.endIndex...]
        guard rest.first != UInt8(ascii: "\\"), !authority.contains(UInt8(ascii: "@")) else { return nil }
        var host = authority, digits: ArraySlice<UInt8>?
        if authority.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let behind = authority[(end + 1)...]
            guard behind.isEmpty || behind.first == UInt8(ascii: ":") else { return nil }
            (host, digits) = (authority[...end], behind.isEmpty ? nil : behind.dropFirst())
        } else if let colon = authority.firstIndex(of: UInt8(ascii: ":")) {
            (host, digits) = (authority[..<colon], authority[(colon + 1)...])
        }
        let standard = scheme == "https" ? 443 : 80
        var port = standard
        if let digits, !digits.isEmpty {
            guard digits.allSatisfy({ (48...57).contains($0) }),
                let number = Int(String(decoding: digits, as: UTF8.self)),
                (1...65_535).contains(number)
            else { return nil }
            port = number
        }
        guard let name = HostName.parsed(host) else { return nil }
        let bracketed = name.contains(":") ? "[\(name)]" : name
        self.init(
            scheme: scheme, authority: port == standard ? bracketed : "\(bracketed):\(port)", host: name, port: port,
            path: Self.path(rest.prefix { $0 != UInt8(ascii: "?") }, below: []), query: Self.query(in: rest))
    }

    /// A path, a query or nothing on the host of another address.
    private init(_ rest: ArraySlice<UInt8>, on base: FetchURL) {
        let ownPath = rest.prefix { $0 != UInt8(ascii: "?") }
        let folder = Array(base.path.utf8)
        let isAbsolute = ownPath.first.map { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") } ?? false
        let end = folder.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        self.init(
            scheme: base.scheme, authority: base.authority, host: base.host, port: base.port,
            path: ownPath.isEmpty ? base.path : Self.path(ownPath, below: isAbsolute ? [] : Array(folder[..<end])),
            query: Self.query(in: rest))
    }

    private init(scheme: String, authority: String, host: String, port: Int, path: String, query: String) {
        (self.scheme, self.authority, self.host, self.port, self.path) = (scheme, authority, host, port, path)
        text = "\(scheme)://\(authority)\(path)\(query)"
    }

    // MARK: Parts

    /// Letters, digits and `+-.` before a colon, in lower case.
    private static func takeScheme(_ rest: inout ArraySlice<UInt8>) -> String? {
        let name = rest.prefix { isLetter($0) || (48...57).contains($0) || "+-.".utf8.contains($0) }
        guard let first = name.first, isLetter(first), name.endIndex < rest.endIndex,
            rest[name.endIndex] == UInt8(ascii: ":")
        else { return nil }
        rest = rest[(name.endIndex + 1)...]
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    private static func takeSlashes(_ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.starts(with: "//".utf8) else { return false }
        rest = rest.dropFirst(2)
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte & 0xDF) }

    /// A path without `.` and `..`, encoded; a backslash is a slash.
    private static func path(_ path: ArraySlice<UInt8>, below folder: [UInt8]) -> String {
        let whole = folder + path
        guard !whole.isEmpty else { return "/" }
        var kept: [String] = []
        let segments = whole.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\")
        }
        for (index, segment) in segments.enumerated() {
            if index == 0, segment.isEmpty { continue }  // before the first slash
            let isLast = index == segments.count - 1
            switch String(decoding: segment, as: UTF8.self).lowercased().replacing("%2e", with: ".") {
            case ".": if isLast { kept.append("") }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append("") }
            default: kept.append(encoded(segment, allowed: pathCharacters))
            }
        }
        return "/" + kept.joined(separator: "/")
    }

    private static func query(in rest: ArraySlice<UInt8>) -> String {
        guard let mark = rest.firstIndex(of: UInt8(ascii: "?")) else { return "" }
        return "?" + encoded(rest[(mark + 1)...], allowed: queryCharacters)
    }

    private static let pathCharacters = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@".utf8)
    private static let queryCharacters = pathCharacters.union("/?".utf8).subtracting("'".utf8)

    /// Encodes what is not allowed. A percent sign stays where it begins an escape.
    private static func encoded(_ bytes: some RandomAccessCollection<UInt8>, allowed: Set<UInt8>) -> String {
        let bytes = Array(bytes)
        var result: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            let isEscape =
                byte == UInt8(ascii: "%") && index + 2 < bytes.count && Base64Body.hex(bytes[index + 1]) != nil
                && Base64Body.hex(bytes[index + 2]) != nil
            if isEscape || allowed.contains(byte) {
                result.append(byte)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
