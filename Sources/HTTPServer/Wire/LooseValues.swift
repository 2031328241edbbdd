import Foundation

// The hosted service reads numbers and booleans also from strings, and its clients rely on it: a number that comes from a form or an
// environment variable is sent as a string.

/// A number in a JSON body: `5000` or `"5000"`.
struct LooseNumber: Decodable {
    let value: Double

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            value = try decoder.parsed(text, "float_parsing", expected: "a number", Double.init(decimal:))
        } else {
            value = try container.decode(Double.self)
        }
    }
}

/// A whole number in a JSON body: `7`, `7.0` or `"7"`.
struct LooseInteger: Decodable {
    let value: Int

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let expected = "a whole number"
        func integer(_ text: String) -> Int? { Double(decimal: text).flatMap(Int.init(exactly:)) }
        if let text = try? container.decode(String.self) {
            value = try decoder.parsed(text, "int_parsing", expected: expected, integer)
        } else if let integer = try? container.decode(Int.self) {
            value = integer
        } else {
            let number = try container.decode(Double.self)
            throw decoder.invalid("int_parsing", expected: expected, String(number))
        }
    }
}

/// A yes or no in a JSON body: `true`, `1`, or a word that queries accept too.
struct LooseBoolean: Decodable {
    let value: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let (kind, expected) = ("bool_parsing", "a boolean (true or false)")
        if let text = try? container.decode(String.self) {
            value = try decoder.parsed(text, kind, expected: expected, Bool.init(word:))
        } else if let number = try? container.decode(Double.self) {
            guard number == 0 || number == 1 else { throw decoder.invalid(kind, expected: expected, String(number)) }
            value = number == 1
        } else {
            value = try container.decode(Bool.self)
        }
    }
}

extension Decoder {
    /// What a string of a JSON body stands for; white space around it does not count.
    /// - Throws: `RequestError.invalidParameter` where `parse` returns `nil`.
    fileprivate func parsed<Value>(
        _ text: String, _ kind: String, expected: String, _ parse: (String) -> Value?
    ) throws -> Value {
        guard let value = parse(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw invalid(kind, expected: expected, text)
        }
        return value
    }

    /// The error for the value at this place of a JSON body.
    fileprivate func invalid(_ kind: String, expected: String, _ input: String) -> RequestError {
        .invalidParameter(
            InvalidParameter(
                location: "body", name: codingPath.dotted, kind: kind, expected: expected, input: input))
    }
}

extension [any CodingKey] {
    /// The path in the words of the framework that the clients know: `image.0.value`, or `body` for the whole.
    var dotted: String {
        isEmpty ? "body" : map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}
