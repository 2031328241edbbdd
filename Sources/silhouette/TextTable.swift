import Foundation

/// Rows of text in columns that are as wide as they need to be.
struct TextTable {
    var header: [String]?
    /// As many cells in each.
    let rows: [[String]]

    var lines: [String] {
        let all = (header.map { [$0] } ?? []) + rows
        let widths = (all.first ?? []).indices.map { i in all.map { $0[i].count }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).map { $0.0.padding(toLength: $0.1, withPad: " ", startingAt: 0) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }

    var text: String { lines.joined(separator: "\n") }
}
