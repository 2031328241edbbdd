/// A value of a JSON file. Lists of plain numbers, which make up most of a file of annotations, are kept as numbers.
enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case numbers([Double])
    case list([JSONValue])
    case object([String: JSONValue])

    /// The elements of a list; `nil` for anything else.
    var elements: [JSONValue]? {
        switch self {
        case .numbers(let numbers): numbers.map { .number($0) }
        case .list(let list): list
        default: nil
        }
    }

    /// The number that Python and NumPy make of a value: `true` is 1, and a text in quotes is read as a number.
    var numericValue: Double? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .integer(let value): Double(value)
        case .number(let value): value
        case .text(let text): Double(text.filter { $0 != " " })
        case .null, .numbers, .list, .object: nil
        }
    }

    /// The same for a number or a `bool`; a text is not a number here.
    var plainNumber: Double? { if case .text = self { nil } else { numericValue } }

    /// The value where it is a whole number that fits.
    var wholeNumber: Int? { plainNumber.flatMap { Int(exactly: $0) } }

    /// Whether Python takes the value for true.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .text(let text): !text.isEmpty
        case .numbers(let numbers): !numbers.isEmpty
        case .list(let list): !list.isEmpty
        case .object(let object): !object.isEmpty
        }
    }

    /// Numbers of a list, as NumPy reads them; `nil` where one is not a number.
    var numericValues: [Double]? {
        switch self {
        case .numbers(let numbers): return numbers
        case .list(let list):
            let numbers = list.compactMap(\.numericValue)
            return numbers.count == list.count ? numbers : nil
        default: return nil
        }
    }
}

/// The id of an image, a category or an annotation. As in Python, `1`, `1.0` and `true` are the same id, and `"1"` is
/// another one.
public enum COCOIdentifier: Hashable, Sendable, Comparable, CustomStringConvertible, Encodable {
    case integer(Int)
    case number(Double)
    case text(String)
    /// `null`, which Python accepts as an id, too.
    case null

    init?(_ value: JSONValue?) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .integer(value ? 1 : 0)
        case .integer(let value): self = .integer(value)
        case .number(let value):
            guard !value.isNaN else { return nil }
            self = Int(exactly: value).map { .integer($0) } ?? .number(value)
        case .text(let text): self = .text(text)
        case .numbers, .list, .object, nil: return nil
        }
    }

    /// Orders numbers by value, then strings by their code points, then `null`.
    public static func < (a: COCOIdentifier, b: COCOIdentifier) -> Bool {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): a < b
        case (.text(let a), .text(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.null, _): false
        case (_, .null): true
        case (.text, _): false
        case (_, .text): true
        case (.integer(let a), .number(let b)): Double(a) < b
        case (.number(let a), .integer(let b)): a < Double(b)
        case (.number(let a), .number(let b)): a < b
        }
    }

    public var description: String {
        switch self {
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .text(let text): "'\(text.excerpt())'"
        case .null: "null"
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let text): try container.encode(text)
        case .null: try container.encodeNil()
        }
    }
}
