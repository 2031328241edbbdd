import Foundation

/// Names of hosts in the form in which they are resolved (the host parser of the WHATWG's URL Standard).
enum HostName {
    /// The host of an address; `nil` where it is not one. IPv6 addresses stand in brackets, which are left out.
    static func parsed(_ bytes: ArraySlice<UInt8>) -> String? {
        if bytes.first == UInt8(ascii: "[") {
            guard bytes.last == UInt8(ascii: "]") else { return nil }
            let text = String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
            guard text.contains(":"), !text.contains("%"), IPAddress(text: text) != nil else { return nil }
            return text.lowercased()
        }
        guard let decoded = String(validating: percentDecoded(bytes), as: UTF8.self), let name = ascii(decoded) else {
            return nil
        }
        // What ends in a number is an IPv4 address, or nothing.
        var labels = name.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.last == "" { labels.removeLast() }
        guard let last = labels.last, isNumber(last) else { return name }
        return address(labels)
    }

    /// A name in ASCII: lower case, letters beyond ASCII in Punycode (RFC 3492) after their compatibility mapping, as UTS #46 does it
    /// for most names.
    static func ascii(_ name: String) -> String? {
        var mapped = String.UnicodeScalarView()
        for scalar in name.precomposedStringWithCompatibilityMapping.lowercased()
            .precomposedStringWithCompatibilityMapping
            .unicodeScalars
        {
            switch scalar.value {
            case 0xAD, 0x200B, 0x2060, 0xFEFF, 0xFE00...0xFE0F: continue
            case 0x3002, 0xFF0E, 0xFF61: mapped.append(".")
            default: mapped.append(scalar)
            }
        }
        let text = String(mapped)
        guard !text.isEmpty, !text.unicodeScalars.contains(where: isForbidden) else { return nil }
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
        var labels: [String] = []
        for label in text.split(separator: ".", omittingEmptySubsequences: false) {
            if label.utf8.allSatisfy({ $0 < 0x80 }) {
                labels.append(String(label))
            } else {
                guard label.unicodeScalars.count <= 63, let code = punycode(label.unicodeScalars.map(\.value)) else {
                    return nil
                }
                labels.append("xn--" + code)
            }
        }
        return labels.joined(separator: ".")
    }

    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value <= 0x20 || scalar.value == 0x7F || "#/:<>?@[\\]^|%\"{}`".unicodeScalars.contains(scalar)
            || scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .lineSeparator
    }

    private static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.endIndex, let high = Base64Body.hex(bytes[at + 1]),
                let low = Base64Body.hex(bytes[at + 2])
            {
                result.append(high << 4 | low)
                at += 3
            } else {
                result.append(bytes[at])
                at += 1
            }
        }
        return result
    }

    // MARK: IPv4

    private static func isNumber(_ label: Substring) -> Bool {
        !label.isEmpty && (label.utf8.allSatisfy { (48...57).contains($0) } || value(label) != nil)
    }

    /// Decimal, octal after `0`, hexadecimal after `0x`.
    private static func value(_ label: Substring) -> UInt64? {
        let text = label.lowercased()
        if text == "0x" { return 0 }
        if text.hasPrefix("0x") { return digits(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0"), text.count > 1 { return digits(text.dropFirst(), radix: 8) }
        return digits(text[...], radix: 10)
    }

    private static func digits(_ text: Substring, radix: Int) -> UInt64? {
        text.utf8.allSatisfy { Base64Body.hex($0) != nil } ? UInt64(text, radix: radix) : nil
    }

    /// An IPv4 address of one to four numbers, of which the last fills what is left.
    private static func address(_ labels: [Substring]) -> String? {
        let numbers = labels.compactMap(value)
        guard numbers.count == labels.count, numbers.count <= 4, let last = numbers.last,
            numbers.dropLast().allSatisfy({ $0 <= 255 }), last < 1 << UInt64(8 * (5 - numbers.count))
        else { return nil }
        var bytes = numbers.dropLast().map { $0 }
        for shift in (0..<5 - numbers.count).reversed() { bytes.append(last >> UInt64(8 * shift) & 255) }
        return bytes.map(String.init).joined(separator: ".")
    }

    // MARK: Punycode

    /// - Returns: `nil` where a number gets too large.
    private static func punycode(_ scalars: [UInt32]) -> String? {
        let digits = Array("abcdefghijklmnopqrstuvwxyz0123456789".unicodeScalars)
        var output = String.UnicodeScalarView(scalars.filter { $0 < 0x80 }.compactMap { Unicode.Scalar($0) })
        let basic = output.count
        if basic > 0 { output.append("-") }
        var (code, delta, bias, handled) = (128, 0, 72, basic)
        while handled < scalars.count {
            guard let next = scalars.filter({ Int($0) >= code }).min() else { return nil }
            delta += (Int(next) - code) * (handled + 1)
            code = Int(next)
            for scalar in scalars {
                if Int(scalar) < code { delta += 1 }
                guard Int(scalar) == code else { continue }
                var (rest, k) = (delta, 36)
                while true {
                    let threshold = min(max(k - bias, 1), 26)
                    if rest < threshold { break }
                    output.append(digits[threshold + (rest - threshold) % (36 - threshold)])
                    rest = (rest - threshold) / (36 - threshold)
                    k += 36
                }
                output.append(digits[rest])
                // The bias adapts to the size of the steps.
                var step = handled == basic ? delta / 700 : delta / 2
                step += step / (handled + 1)
                var k2 = 0
                while step > 455 {
                    step /= 35
                    k2 += 36
                }
                bias = k2 + 36 * step / (step + 38)
                delta = 0
                handled += 1
            }
            delta += 1
            code += 1
        }
        return String(output)
    }
}
