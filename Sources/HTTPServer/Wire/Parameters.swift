import Foundation
import InstanceSegmentation

/// The parameters of a request by name. Those of the query take precedence over those of a form or of JSON.
struct Parameters: Sendable {
    /// `nil` for a value that is too large to be a parameter.
    private typealias Values = [String: String?]

    private var query: Values = [:]
    private var body: Values = [:]

    /// Reads a query. It is decoded as a form: `+` and `%20` are spaces. The last value of a repeated name counts. Of
    /// values that are too large to be a parameter, except for the image, only the names are kept.
    init(query text: String?) {
        var text = text ?? ""
        text.withUTF8 { text in
            // By bytes: characters of many combining marks take a time to compare that grows with the square of their number.
            for pair in text.split(separator: UInt8(ascii: "&")) {
                let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                guard parts[0].count <= FormFields.maxNameSize else { continue }
                let name = Parameters.formDecodedText(parts[0])
                guard parts.count > 1 else {
                    query[name] = ""
                    continue
                }
                let isKept = name == "image" || parts[1].count <= FormFields.maxValueSize
                query.updateValue(isKept ? Parameters.formDecodedText(parts[1]) : nil, forKey: name)
            }
        }
    }

    /// Adds the fields of the body. The query takes precedence over them.
    /// - Parameter oversized: names of fields whose values are too large to be a parameter.
    mutating func addBody(_ fields: [(name: String, value: String)], oversized: Set<String> = []) {
        for (name, value) in fields { body[name] = value }
        for name in oversized { body.updateValue(nil, forKey: name) }
    }

    private func found(_ name: String) -> (text: String?, location: String)? {
        query[name].map { ($0, "query") } ?? body[name].map { ($0, "body") }
    }

    /// The value of a parameter and where it stood. One that is too large is taken for absent; ``checked(_:)`` tells of
    /// it.
    func value(_ name: String) -> (text: String, location: String)? {
        found(name).flatMap { found in found.text.map { ($0, found.location) } }
    }

    /// The value of a parameter and where it stood; `nil` where the parameter is absent.
    /// - Throws: `RequestError.invalidParameter` for a value that is too large to be a parameter.
    func checked(_ name: String) throws -> (text: String, location: String)? {
        guard let found = found(name) else { return nil }
        guard let text = found.text else {
            throw RequestError.invalidParameter(
                InvalidParameter(
                    location: found.location, name: name, kind: "string_too_long",
                    expected: "a value of at most \(FormFields.maxValueSize) bytes", input: "a longer one"))
        }
        return (text, found.location)
    }

    /// The value of a parameter where it is not empty.
    func nonEmpty(_ name: String) -> String? {
        value(name).map(\.text).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Percent escapes resolved once, `+` as a space. What is not an escape stays as it is; what is not UTF-8 is replaced.
    private static func formDecodedText(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        String(streamSafe: formDecoded(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: text))))
    }

    /// The same for bytes.
    static func formDecoded(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: text.count) { bytes, count in
            var at = 0
            while at < text.count {
                var byte = text[at]
                at += 1
                if byte == UInt8(ascii: "+") {
                    byte = UInt8(ascii: " ")
                } else if byte == UInt8(ascii: "%"), text.count - at >= 2, let high = Base64Body.hex(text[at]),
                    let low = Base64Body.hex(text[at + 1])
                {
                    byte = high << 4 | low
                    at += 2
                }
                bytes[count] = byte
                count += 1
            }
        }
    }

    // MARK: Typed values

    /// A text that is not empty; `nil` where the parameter is absent or empty.
    func text(_ name: String) throws -> String? {
        try checked(name).flatMap { $0.text.isEmpty ? nil : $0.text }
    }

    /// A finite number; `nil` where the parameter is absent.
    func number(_ name: String, expected: String) throws -> Double? {
        guard let (text, location) = try checked(name) else { return nil }
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let number = Double(decimal: trimmed) else {
            throw RequestError.invalidParameter(
                InvalidParameter(location: location, name: name, kind: "float_parsing", expected: expected, input: text)
            )
        }
        return number
    }

    /// A whole number, which may be written as `2.0`.
    func integer(_ name: String, expected: String) throws -> Int? {
        guard let (text, location) = try checked(name) else { return nil }
        guard let number = Double(decimal: text.trimmingCharacters(in: .whitespacesAndNewlines)),
            let integer = Int(exactly: number)
        else {
            throw RequestError.invalidParameter(
                InvalidParameter(location: location, name: name, kind: "int_parsing", expected: expected, input: text))
        }
        return integer
    }

    /// A yes or no in one of the usual words.
    func boolean(_ name: String) throws -> Bool? {
        guard let (text, location) = try checked(name) else { return nil }
        guard let value = Bool(word: text) else {
            throw RequestError.invalidParameter(
                InvalidParameter(
                    location: location, name: name, kind: "bool_parsing", expected: "a boolean (true or false)",
                    input: text))
        }
        return value
    }
}

extension Bool {
    /// A yes or no in one of the usual words, in either case; `nil` for any other text.
    init?(word: String) {
        switch word.lowercased() {
        case "true", "1", "yes", "y", "on", "t": self = true
        case "false", "0", "no", "n", "off", "f": self = false
        default: return nil
        }
    }
}

extension Double {
    /// A finite decimal number such as `40`, `+.5`, `5.` or `1e2`; not hexadecimal, not `nan`, not `inf`.
    init?(decimal text: String) {
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = Double(text), value.isFinite
        else {
            return nil
        }
        self = value
    }
}
