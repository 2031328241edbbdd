/// A strict reader of Prometheus' text format, version 0.0.4, which refuses what Prometheus would.
struct PrometheusParser {
    /// One line with a value.
    struct Sample {
        let name: String
        let labels: [(name: String, value: String)]
        let value: Double
    }

    /// What is wrong, and in which line.
    struct Fault: Error {
        let reason: String
        let line: String
    }

    /// The samples by the name of their family, and the types.
    private(set) var samples: [String: [Sample]] = [:]
    private(set) var types: [String: String] = [:]
    private(set) var helps: [String: String] = [:]
    private var seen: Set<String> = []
    private var current: String?

    /// The value of the only sample of a family.
    func value(_ name: String) -> Double? { samples[name]?.count == 1 ? samples[name]?[0].value : nil }

    static func parse(_ text: String) throws -> PrometheusParser {
        var parser = PrometheusParser()
        let bytes = Array(text.utf8)
        guard bytes.last == UInt8(ascii: "\n") else { throw Fault(reason: "no line feed at the end", line: "") }
        for line in bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            try parser.read(Array(line))
        }
        for name in parser.types.keys { try parser.checkFamily(name) }
        return parser
    }

    private mutating func read(_ line: [UInt8]) throws {
        let text = String(decoding: line, as: UTF8.self)
        var rest = line[...]
        if rest.starts(with: Array("# ".utf8)) {
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 3).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard parts.count == 4 else { throw Fault(reason: "comment", line: text) }
            let name = parts[2]
            guard Self.isName(name, colon: true) else { throw Fault(reason: "name", line: text) }
            switch parts[1] {
            case "HELP" where helps[name] == nil && types[name] == nil: helps[name] = parts[3]
            case "TYPE" where types[name] == nil && ["counter", "gauge", "histogram"].contains(parts[3]):
                types[name] = parts[3]
            default: throw Fault(reason: "comment", line: text)
            }
            current = name
            return
        }
        let name = Self.take(&rest) { Self.isNameByte($0) || $0 == UInt8(ascii: ":") }
        guard Self.isName(name, colon: true) else { throw Fault(reason: "name", line: text) }
        var labels: [(String, String)] = []
        if rest.first == UInt8(ascii: "{") {
            rest.removeFirst()
            while true {
                let label = Self.take(&rest, while: Self.isNameByte)
                guard Self.isName(label, colon: false), !label.hasPrefix("__"), rest.popFirst() == UInt8(ascii: "="),
                    rest.popFirst() == UInt8(ascii: "\"")
                else { throw Fault(reason: "label", line: text) }
                labels.append((label, try Self.value(&rest, text)))
                let next = rest.popFirst()
                if next == UInt8(ascii: "}") { break }
                guard next == UInt8(ascii: ",") else { throw Fault(reason: "after a label", line: text) }
            }
        }
        guard Set(labels.map(\.0)).count == labels.count else { throw Fault(reason: "label twice", line: text) }
        guard rest.popFirst() == UInt8(ascii: " "), let value = Self.number(String(decoding: rest, as: UTF8.self))
        else { throw Fault(reason: "value", line: text) }
        let present = labels.filter { !$0.1.isEmpty }.sorted { $0.0 < $1.0 }
        guard seen.insert("\(name)\(present)").inserted else { throw Fault(reason: "series twice", line: text) }
        guard let family = current, let type = types[family],
            type == "histogram"
                ? ["_bucket", "_sum", "_count"].contains(where: { name == family + $0 }) : name == family
        else { throw Fault(reason: "outside of its family", line: text) }
        samples[family, default: []].append(Sample(name: name, labels: labels, value: value))
    }

    /// Buckets must ascend by bound and count, and end in an infinite one that equals the number of all.
    private func checkFamily(_ name: String) throws {
        guard let samples = samples[name] else { throw Fault(reason: "family without samples", line: name) }
        guard types[name] == "histogram" else { return }
        var (bound, count) = (-Double.infinity, 0.0)
        for sample in samples {
            if sample.name.hasSuffix("_bucket") {
                guard let le = sample.labels.last, le.name == "le", let next = Self.number(le.value), next > bound,
                    sample.value >= count
                else { throw Fault(reason: "bucket", line: "\(sample)") }
                (bound, count) = (next, sample.value)
            } else if sample.name.hasSuffix("_count") {
                guard bound == .infinity, count == sample.value else { throw Fault(reason: "count", line: "\(sample)") }
                (bound, count) = (-.infinity, 0)
            }
        }
    }

    private static func number(_ text: String) -> Double? {
        switch text {
        case "NaN": .nan
        case "+Inf": .infinity
        case "-Inf": -.infinity
        default: text.allSatisfy { "0123456789.e+-".contains($0) } ? Double(text) : nil
        }
    }

    /// The text up to the closing quote, without its escapes.
    private static func value(_ rest: inout ArraySlice<UInt8>, _ line: String) throws -> String {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                switch rest.popFirst() {
                case UInt8(ascii: "n"): bytes.append(UInt8(ascii: "\n"))
                case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
                case UInt8(ascii: "\""): bytes.append(UInt8(ascii: "\""))
                default: throw Fault(reason: "escape", line: line)
                }
            default: bytes.append(byte)
            }
        }
        throw Fault(reason: "open quote", line: line)
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, while isTaken: (UInt8) -> Bool) -> String {
        let taken = rest.prefix(while: isTaken)
        rest = rest.dropFirst(taken.count)
        return String(decoding: taken, as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func isName(_ name: String, colon: Bool) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { isNameByte($0) || colon && $0 == UInt8(ascii: ":") }
    }
}
