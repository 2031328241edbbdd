/// Rows of text in columns that are as wide as they need to be.
struct TextTable {
    var header: [String]?
    /// As many cells in each.
    let rows: [[String]]

    var lines: [String] {
        let all = (header.map { [$0] } ?? []) + rows
        let widths = (all.first ?? []).indices.map { i in all.map { $0[i].width }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).map { $0.0.padded(to: $0.1) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }

    var text: String { lines.joined(separator: "\n") }
}

extension String {
    /// Number of terminal columns that the text occupies.
    var width: Int { reduce(0) { $0 + $1.width } }

    /// Returns the text padded with trailing spaces to a width in columns; a longer text is unchanged.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(width - self.width, 0))
    }
}

extension Character {
    /// How many columns of a terminal the character takes: two for emoji and for those that Unicode calls wide.
    fileprivate var width: Int {
        guard let first = unicodeScalars.first, !first.isASCII else { return 1 }
        let isEmoji = first.properties.isEmojiPresentation || unicodeScalars.contains("\u{FE0F}")
        return isEmoji || Self.wide.contains { $0.contains(first.value) } ? 2 : 1
    }

    /// Source: Unicode, `EastAsianWidth.txt`, the ranges of W and F without the emoji.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF,
        0x1AFF0...0x1B2FF, 0x1F200...0x1F265, 0x20000...0x3FFFD,
    ]
}
