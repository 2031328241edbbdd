/// The grammar of Prometheus' text format, version 0.0.4: names, labels and numbers.
enum PrometheusText {
    /// Turns any text into the name of a metric: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    static func metricName(_ text: String, maxBytes: Int) -> String {
        name(text, maxBytes: maxBytes, allowsColon: true)
    }

    /// Turns any text into the name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`, without the reserved prefix `__`.
    static func labelName(_ text: String, maxBytes: Int) -> String {
        let name = name(text, maxBytes: maxBytes, allowsColon: false)
        return name.hasPrefix("__") ? "_" + name.drop { $0 == "_" } : name
    }

    private static func name(_ text: String, maxBytes: Int, allowsColon: Bool) -> String {
        if isName(text, allowsColon: allowsColon), text.utf8.count <= maxBytes { return text }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars.prefix(maxBytes) {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": bytes.append(UInt8(scalar.value))
            case "0"..."9":
                if bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
                bytes.append(UInt8(scalar.value))
            case ":" where allowsColon: bytes.append(UInt8(ascii: ":"))
            default: bytes.append(UInt8(ascii: "_"))
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes.prefix(maxBytes), as: UTF8.self)
    }

    private static func isName(_ text: String, allowsColon: Bool) -> Bool {
        var isFirst = true
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): break
            case UInt8(ascii: "0")...UInt8(ascii: "9") where !isFirst: break
            case UInt8(ascii: ":") where allowsColon: break
            default: return false
            }
            isFirst = false
        }
        return !isFirst
    }

    /// The text between the braces of a sample, such as `route="predict",status="200"`; empty without labels.
    ///
    /// Labels are sorted by name, so that the order in which a caller lists them does not make another series. A label with
    /// an empty value is the same as no label and is left out. Names that are equal after sanitizing, or `reserved`,
    /// get a number.
    static func labels(_ pairs: [(String, String)], reserved: String?, limits: MetricsLimits) -> String {
        if pairs.isEmpty { return "" }
        var labels: [(name: String, value: String)] = []
        for (text, value) in pairs.prefix(limits.maxLabels) where !value.isEmpty {
            let name = labelName(text, maxBytes: limits.maxNameBytes)
            var unique = name
            var number = 2
            while unique == reserved || labels.contains(where: { $0.name == unique }) {
                unique = name.hasSuffix("_") ? "\(name)\(number)" : "\(name)_\(number)"
                number += 1
            }
            labels.append((unique, truncated(value, bytes: limits.maxLabelValueBytes)))
        }
        labels.sort { $0.name < $1.name }
        var text = ""
        for (name, value) in labels {
            if !text.isEmpty { text += "," }
            text += name
            text += "=\""
            text += escapedValue(value)
            text += "\""
        }
        return text
    }

    /// The longest prefix of whole Unicode scalars that takes at most `bytes` bytes of UTF-8.
    static func truncated(_ text: String, bytes limit: Int) -> String {
        if text.utf8.count <= limit { return text }
        let bytes = Array(text.utf8.prefix(limit + 1))
        var end = limit
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// Escapes a label's value.
    static func escapedValue(_ text: String) -> String { escaped(text, quotes: true) }

    /// Escapes the text of a `HELP` line.
    static func escapedHelp(_ text: String) -> String { escaped(text, quotes: false) }

    /// Works on bytes: to Swift a carriage return and a line feed are one character, to Prometheus they are two.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        let isPlain = text.utf8.allSatisfy {
            $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\"")
        }
        if isPlain { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes += [byte, byte]
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\"") where quotes: bytes += [UInt8(ascii: "\\"), byte]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A sample's value. Whole numbers have no fraction, others as many digits as it takes to read them back.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return "\(whole)" }
        return "\(value)"
    }
}
