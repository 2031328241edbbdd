/// The parameters of a header field, such as `form-data; name="file"; filename*=utf-8''a%20b.jpg` (RFC 9110, 8187, 7578).
///
/// Names are in lower case. A text in quotes may contain semicolons; a quote in it is written `\"`. The extended form with an asterisk
/// takes precedence over the plain one, and counts as a value however it is encoded.
struct HeaderParameters {
    private var values: [String: String] = [:]

    /// - Parameter text: the value of the field, whose own first part is skipped.
    init(_ text: some StringProtocol) {
        var rest = Array(text.utf8)[...].drop { $0 != UInt8(ascii: ";") }
        var extended: Set<String> = []
        while !rest.isEmpty {
            rest = rest.dropFirst().drop(while: Self.isBlank)
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            rest = rest[name.endIndex...]
            var key = Self.text(name).lowercased()
            guard rest.first == UInt8(ascii: "="), !key.isEmpty else { continue }
            var value: String
            rest = rest.dropFirst().drop(while: Self.isBlank)
            if rest.first == UInt8(ascii: "\"") {
                value = Self.quoted(&rest)
                rest = rest.drop { $0 != UInt8(ascii: ";") }
            } else {
                let plain = rest.prefix { $0 != UInt8(ascii: ";") }
                rest = rest[plain.endIndex...]
                value = Self.text(plain)
            }
            // `name*`, and `name*0`, `name*1*` where a value is given in pieces (RFC 2231).
            if let star = key.firstIndex(of: "*") {
                value = Self.extended(value)
                if key[star...].contains(where: \.isNumber), let piece = values[String(key[..<star])] {
                    value = piece + value
                }
                key = String(key[..<star])
                extended.insert(key)
            } else if extended.contains(key) || values[key] != nil {
                continue
            }
            values[key] = value
        }
    }

    /// The parameters of the `Content-Disposition` line among header lines; a line that begins with a blank continues the one before.
    init(contentDispositionIn header: String) {
        var lines: [String] = []
        for line in header.split(whereSeparator: \.isNewline) {
            if let first = line.first, first == " " || first == "\t", !lines.isEmpty {
                lines[lines.count - 1] += " " + line
            } else {
                lines.append(String(line))
            }
        }
        for line in lines {
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2, Self.text(Array(pair[0].utf8)[...]).lowercased() == "content-disposition" {
                self.init(pair[1])
                return
            }
        }
        self.init("")
    }

    subscript(name: String) -> String? { values[name] }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Takes a text in quotes; without a closing quote it goes to the end. Other backslashes stand for themselves, as in the paths that
    /// some browsers send.
    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String {
        rest = rest.dropFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\"), let next = rest.first,
                next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\")
            {
                rest = rest.dropFirst()
                bytes.append(next)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text of `charset'language'percent-encoded`.
    private static func extended(_ value: String) -> String {
        let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        let encoded = parts.count == 3 ? parts[2] : Substring(value)
        let bytes = Array(encoded.utf8)
        var decoded: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count, let high = Base64Body.hex(bytes[at + 1]),
                let low = Base64Body.hex(bytes[at + 2])
            {
                decoded.append(high << 4 | low)
                at += 3
            } else {
                decoded.append(bytes[at])
                at += 1
            }
        }
        if parts.count == 3, parts[0].lowercased() == "iso-8859-1" {
            return String(String.UnicodeScalarView(decoded.map { Unicode.Scalar($0) }))
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
