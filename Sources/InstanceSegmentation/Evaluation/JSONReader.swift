/// Reads JSON as Python's `json` module does: `NaN` and `Infinity` are numbers, and of equal keys the last counts.
///
/// - Complexity: O(n) for n bytes. A value takes a small multiple of the bytes that it is written with.
package struct JSONReader {
    /// A violation of JSON's syntax.
    package struct Failure: Error {
        /// The place in the text, in bytes, counted from 0.
        package let offset: Int
        /// To be read after "expected".
        package let expected: String
    }

    static let maxDepth = 64

    private let bytes: UnsafeRawBufferPointer
    /// Whether what only Python reads is refused.
    private let isStrict: Bool
    private var at = 0
    private var depth = 0

    /// The value that a text stands for.
    static func value(of bytes: UnsafeRawBufferPointer) throws(Failure) -> JSONValue {
        try value(of: bytes, isStrict: false)
    }

    /// The first syntax error in a text and its position, according to RFC 8259; `nil` if the text is valid JSON.
    package static func failure(in bytes: UnsafeRawBufferPointer) -> Failure? {
        do throws(Failure) {
            _ = try value(of: bytes, isStrict: true)
            return nil
        } catch {
            return error
        }
    }

    private static func value(of bytes: UnsafeRawBufferPointer, isStrict: Bool) throws(Failure) -> JSONValue {
        var reader = JSONReader(bytes: bytes, isStrict: isStrict)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.at = 3 }
        let value = try reader.value()
        reader.skipSpace()
        guard reader.at == bytes.count else { throw reader.failure("the end of the file") }
        return value
    }

    private init(bytes: UnsafeRawBufferPointer, isStrict: Bool) {
        self.bytes = bytes
        self.isStrict = isStrict
    }

    private func failure(_ expected: String) -> Failure { Failure(offset: at, expected: expected) }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 32 || bytes[at] == 10 || bytes[at] == 13 || bytes[at] == 9 { at += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func take(word: StaticString) -> Bool {
        let found = word.withUTF8Buffer { word in
            at + word.count <= bytes.count && bytes[at..<at + word.count].elementsEqual(word)
        }
        if found { at += word.utf8CodeUnitCount }
        return found
    }

    private mutating func value() throws(Failure) -> JSONValue {
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try list()
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t") where take(word: "true"): return .bool(true)
        case UInt8(ascii: "f") where take(word: "false"): return .bool(false)
        case UInt8(ascii: "n") where take(word: "null"): return .null
        case UInt8(ascii: "N") where !isStrict && take(word: "NaN"): return .number(.nan)
        case UInt8(ascii: "I") where !isStrict && take(word: "Infinity"): return .number(.infinity)
        case UInt8(ascii: "-") where !isStrict && take(word: "-Infinity"): return .number(-.infinity)
        default: return try number()
        }
    }

    private mutating func enter() throws(Failure) {
        depth += 1
        guard depth <= Self.maxDepth else { throw failure("at most \(Self.maxDepth) levels") }
        at += 1
        skipSpace()
    }

    private mutating func object() throws(Failure) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        var members: [String: JSONValue] = [:]
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { throw failure("a name in quotes") }
            let name = try text()
            skipSpace()
            guard take(":") else { throw failure("':'") }
            members[name] = try value()
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw failure("',' or '}'") }
        }
    }

    private mutating func list() throws(Failure) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        if take("]") { return .list([]) }
        var numbers: [Double] = []
        var others: [JSONValue] = []
        while true {
            let element = try value()
            switch element {
            case .integer(let value) where others.isEmpty: numbers.append(Double(value))
            case .number(let value) where others.isEmpty: numbers.append(value)
            default:
                if others.isEmpty { others = numbers.map { .number($0) } }
                others.append(element)
            }
            skipSpace()
            if take("]") { return others.isEmpty ? .numbers(numbers) : .list(others) }
            guard take(",") else { throw failure("',' or ']'") }
        }
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = at
        let isNegative = take("-")
        var mantissa: UInt64 = 0
        var (digits, decimals, isWhole) = (0, 0, true)
        let first = at
        while let byte, (48...57).contains(byte) {
            (mantissa, digits, at) = (mantissa &* 10 &+ UInt64(byte - 48), digits + 1, at + 1)
        }
        guard digits > 0, digits == 1 || bytes[first] != 48 else {
            at = start
            throw failure("a value")
        }
        if take(".") {
            isWhole = false
            while let byte, (48...57).contains(byte) {
                (mantissa, digits, decimals, at) = (
                    mantissa &* 10 &+ UInt64(byte - 48), digits + 1, decimals + 1, at + 1
                )
            }
            guard decimals > 0 else { throw failure("a digit") }
        }
        var hasExponent = false
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            (isWhole, hasExponent, at) = (false, true, at + 1)
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { at += 1 }
            let exponent = at
            while let byte, (48...57).contains(byte) { at += 1 }
            guard at > exponent else { throw failure("a digit") }
        }
        if isWhole, digits <= 18 { return .integer(isNegative ? -Int(mantissa) : Int(mantissa)) }
        // A quotient of whole numbers that are exact is the nearest value; other texts take the long way.
        if !hasExponent, digits <= 15, decimals < Self.powers.count {
            let value = Double(mantissa) / Self.powers[decimals]
            return .number(isNegative ? -value : value)
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text) else { throw failure("a number") }
        return .number(value)
    }

    private static let powers: [Double] = (0...15).map { exponent in
        (0..<exponent).reduce(1.0) { value, _ in value * 10 }
    }

    /// A text in quotes, without most of its combining marks where there are many in a row. Control characters are taken as they are.
    private mutating func text() throws(Failure) -> String { String(streamSafe: try wholeText()) }

    private mutating func wholeText() throws(Failure) -> String {
        at += 1
        let first = try plainText()
        if take("\"") { return first }
        var units = Array(first.utf16)
        while let byte {
            if byte == UInt8(ascii: "\"") {
                at += 1
                return String(decoding: units, as: UTF16.self)
            }
            if byte == UInt8(ascii: "\\") { units.append(try escape()) } else { units += try plainText().utf16 }
        }
        throw failure("a closing quote")
    }

    /// Characters up to a quote or a backslash.
    private mutating func plainText() throws(Failure) -> String {
        let start = at
        while let byte, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            if isStrict, byte < 0x20 { throw failure("no control character in a text") }
            at += 1
        }
        guard isStrict else { return String(decoding: bytes[start..<at], as: UTF8.self) }
        guard let text = String(validating: bytes[start..<at], as: UTF8.self) else {
            at = start
            throw failure("a text in UTF-8")
        }
        return text
    }

    private mutating func escape() throws(Failure) -> UInt16 {
        at += 1
        guard let byte else { throw failure("an escape") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt16(byte)
        case UInt8(ascii: "b"): return 8
        case UInt8(ascii: "f"): return 12
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "u"):
            let digits = bytes[at..<min(at + 4, bytes.count)]
            guard digits.count == 4, digits.allSatisfy({ UInt8(ascii: "+") != $0 && UInt8(ascii: "-") != $0 }),
                let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
            else { throw failure("four hexadecimal digits") }
            at += 4
            return unit
        default:
            at -= 1
            throw failure("one of \"\\/bfnrtu")
        }
    }
}
