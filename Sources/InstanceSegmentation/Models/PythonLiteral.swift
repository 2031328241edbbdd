/// A value as Python's `repr` writes it, which is how exporters put names and sizes into a model's metadata. JSON objects
/// of strings are read too.
enum PythonLiteral: Equatable {
    case string(String)
    case number(Double)
    case boolean(Bool)
    case none
    case list([PythonLiteral])
    case dictionary([(PythonLiteral, PythonLiteral)])

    /// Parses a whole text; `nil` where it is malformed, or longer than `ModelLimits` allow.
    init?(parsing text: String) {
        guard text.utf8.count <= ModelLimits.metadataLength else { return nil }
        var parser = PythonLiteralParser(text)
        guard let value = parser.document() else { return nil }
        self = value
    }

    /// The value as an integer: an integral number, or a string of digits (JSON has only strings as keys).
    var integer: Int? {
        switch self {
        case .number(let value): Int(exactly: value)
        case .string(let text): Int(text)
        default: nil
        }
    }

    static func == (a: PythonLiteral, b: PythonLiteral) -> Bool {
        switch (a, b) {
        case (.string(let x), .string(let y)): x == y
        case (.number(let x), .number(let y)): x == y
        case (.boolean(let x), .boolean(let y)): x == y
        case (.none, .none): true
        case (.list(let x), .list(let y)): x == y
        case (.dictionary(let x), .dictionary(let y)):
            x.count == y.count && zip(x, y).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
        default: false
        }
    }
}

/// Recursive descent over the characters. Nesting is bounded, since the text comes from a file that anyone may have made.
private struct PythonLiteralParser {
    private let text: [Unicode.Scalar]
    private var at = 0
    private var depth = 0

    init(_ text: String) {
        self.text = Array(text.unicodeScalars)
    }

    mutating func document() -> PythonLiteral? {
        guard let result = value() else { return nil }
        skipSpace()
        return at == text.count ? result : nil
    }

    private mutating func value() -> PythonLiteral? {
        skipSpace()
        guard let first = peek else { return nil }
        switch first {
        case "'", "\"": return string(quote: first).map(PythonLiteral.string)
        case "[": return sequence(until: "]").map(PythonLiteral.list)
        case "(": return sequence(until: ")").map(PythonLiteral.list)
        case "{": return dictionary()
        default: return word()
        }
    }

    private mutating func word() -> PythonLiteral? {
        let start = at
        while let c = peek, c.properties.isAlphabetic || ("0"..."9").contains(c) || "+-._".unicodeScalars.contains(c) {
            at += 1
        }
        var word = String.UnicodeScalarView()
        word.append(contentsOf: text[start..<at])
        switch String(word) {
        case "True", "true": return .boolean(true)
        case "False", "false": return .boolean(false)
        case "None", "null": return PythonLiteral.none
        case let digits: return Double(digits).flatMap { $0.isFinite ? .number($0) : nil }
        }
    }

    private mutating func sequence(until close: Unicode.Scalar) -> [PythonLiteral]? {
        var values: [PythonLiteral] = []
        return items(until: close) { parser in
            guard let value = parser.value() else { return false }
            values.append(value)
            return true
        } ? values : nil
    }

    private mutating func dictionary() -> PythonLiteral? {
        var pairs: [(PythonLiteral, PythonLiteral)] = []
        return items(until: "}") { parser in
            guard let key = parser.value() else { return false }
            parser.skipSpace()
            guard parser.take(":"), let value = parser.value() else { return false }
            pairs.append((key, value))
            return true
        } ? .dictionary(pairs) : nil
    }

    /// An opening bracket, items between commas (one may follow the last), the closing bracket.
    private mutating func items(until close: Unicode.Scalar, item: (inout PythonLiteralParser) -> Bool) -> Bool {
        guard depth < ModelLimits.nesting else { return false }
        depth += 1
        defer { depth -= 1 }
        at += 1
        while true {
            skipSpace()
            if take(close) { return true }
            guard item(&self) else { return false }
            skipSpace()
            if take(close) { return true }
            guard take(",") else { return false }
        }
    }

    private mutating func string(quote: Unicode.Scalar) -> String? {
        at += 1
        var result = String.UnicodeScalarView()
        while let c = peek {
            at += 1
            if c == quote { return String(result) }
            guard c == "\\" else {
                result.append(c)
                continue
            }
            guard let escaped = escape() else { return nil }
            result.append(escaped)
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard let c = peek else { return nil }
        at += 1
        switch c {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "x": return code(digits: 2).flatMap { Unicode.Scalar($0) }
        case "u": return code(digits: 4).flatMap { scalar($0) }
        case "U": return code(digits: 8).flatMap { Self.isSurrogate($0) ? "\u{FFFD}" : Unicode.Scalar($0) }
        default: return c  // \\ \' \" \/
        }
    }

    /// The character of a code unit of UTF-16: JSON writes what is beyond 16 bits as two of them. One of a pair by itself is no
    /// character and becomes U+FFFD, as in decoders of UTF-16.
    private mutating func scalar(_ unit: UInt32) -> Unicode.Scalar? {
        guard Self.isSurrogate(unit) else { return Unicode.Scalar(unit) }
        let start = at
        if unit < 0xDC00, take("\\"), take("u"), let low = code(digits: 4), (0xDC00...0xDFFF).contains(low) {
            return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        }
        at = start
        return "\u{FFFD}"
    }

    private static func isSurrogate(_ value: UInt32) -> Bool { (0xD800...0xDFFF).contains(value) }

    private mutating func code(digits: Int) -> UInt32? {
        guard at + digits <= text.count else { return nil }
        var value: UInt32 = 0
        for c in text[at..<at + digits] {
            guard let digit = Character(c).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        at += digits
        return value
    }

    private var peek: Unicode.Scalar? { at < text.count ? text[at] : nil }

    private mutating func take(_ expected: Unicode.Scalar) -> Bool {
        guard peek == expected else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while let c = peek, c.properties.isWhitespace { at += 1 }
    }
}
