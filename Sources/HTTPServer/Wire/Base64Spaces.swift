/// Tells plus signs that a form decoder turned into spaces from spaces that were always there.
///
/// Within a line a space was a plus sign. At the ends of lines it may be one, or belong to an indentation. Lines of base64 are equally
/// long, except the last: what all lines have in common is indentation, and of the rest those spaces are plus signs that a line needs
/// to be as long as the others.
enum Base64Spaces {
    /// More lines than an image of the largest body has at the usual lengths; beyond, spaces at the ends of lines are dropped.
    private static let maxLines = 1 << 20

    private struct Line {
        /// Without spaces at its ends.
        let body: Range<Int>
        var leading: Int
        var trailing: Int

        var length: Int { leading + body.count + trailing }
    }

    /// The text with plus signs in place of spaces, and without line breaks and other spaces.
    /// - Parameter trailingSpaces: behind the text, which are not part of it.
    static func resolved(_ symbols: [UInt8], space: UInt8, lineBreak: UInt8, trailingSpaces: Int) -> [UInt8] {
        var lines = self.lines(symbols, space: space, lineBreak: lineBreak)
        if lines.count > maxLines {
            for i in lines.indices { (lines[i].leading, lines[i].trailing) = (0, 0) }
        } else {
            dropIndentation(&lines)
            dropByLength(&lines, trailingSpaces: trailingSpaces)
        }
        var result: [UInt8] = []
        result.reserveCapacity(symbols.count)
        for line in lines {
            result.append(contentsOf: repeatElement(UInt8(ascii: "+"), count: line.leading))
            result.append(contentsOf: symbols[line.body].lazy.map { $0 == space ? UInt8(ascii: "+") : $0 })
            result.append(contentsOf: repeatElement(UInt8(ascii: "+"), count: line.trailing))
        }
        return result
    }

    /// The lines that have more than spaces.
    private static func lines(_ symbols: [UInt8], space: UInt8, lineBreak: UInt8) -> [Line] {
        var lines: [Line] = []
        var next = 0
        while next < symbols.count {
            let first = next
            while next < symbols.count, symbols[next] != lineBreak { next += 1 }
            var (start, end) = (first, next)
            while start < end, symbols[start] == space { start += 1 }
            while end > start, symbols[end - 1] == space { end -= 1 }
            if start < end { lines.append(Line(body: start..<end, leading: start - first, trailing: next - end)) }
            next += 1
        }
        return lines
    }

    /// Removes what all lines have in common, where they are equally long only without it. The first line often lacks the
    /// indentation, and the last one the spaces at its end.
    private static func dropIndentation(_ lines: inout [Line]) {
        guard lines.count >= 3 else { return }
        let leading = lines.dropFirst().map(\.leading).min() ?? 0
        let trailing = lines.dropLast().map(\.trailing).min() ?? 0
        func without(_ leading: Int, _ trailing: Int) -> [Line] {
            lines.map { line in
                var line = line
                line.leading = max(0, line.leading - leading)
                line.trailing = max(0, line.trailing - trailing)
                return line
            }
        }
        var best = lines
        var bestScore = (isWhole: false, count: 0)
        for (leading, trailing) in [(0, 0), (leading, 0), (0, trailing), (leading, trailing)] {
            let candidate = without(leading, trailing)
            let (length, count) = mostCommon(candidate.dropLast().map(\.length))
            let score = (isWhole: length % 4 == 0, count: count)
            // Of equal candidates the one without spaces.
            if (score.isWhole ? 1 : 0, score.count) >= (bestScore.isWhole ? 1 : 0, bestScore.count) {
                (best, bestScore) = (candidate, score)
            }
        }
        lines = best
    }

    private static func mostCommon(_ lengths: [Int]) -> (length: Int, count: Int) {
        let counts = Dictionary(lengths.map { ($0, 1) }, uniquingKeysWith: +)
        return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }.map { ($0.key, $0.value) } ?? (0, 0)
    }

    /// Removes spaces that make a line longer than the others.
    private static func dropByLength(_ lines: inout [Line], trailingSpaces: Int) {
        guard lines.count >= 2 else { return }
        let whole = mostCommon(lines.dropLast().map(\.length))
        let trimmed = mostCommon(lines.dropLast().map(\.body.count))
        let hasPlus = whole.count != trimmed.count ? whole.count > trimmed.count : whole.length % 4 == 0
        let length = hasPlus ? whole.length : trimmed.length
        let last = lines.count - 1
        for i in 0..<last where lines[i].length > length {
            let excess = lines[i].length - length
            let dropped = min(excess, lines[i].trailing)
            lines[i].trailing -= dropped
            lines[i].leading -= min(excess - dropped, lines[i].leading)
        }
        // The last line is shorter: spaces before it count if they fill the last group together with those after it.
        let before = lines[..<last].reduce(0) { $0 + $1.length }
        func isWhole(_ length: Int) -> Bool {
            (0...min(trailingSpaces, 3)).contains { (before + length + $0) % 4 == 0 }
        }
        // Two lines do not tell whether an indentation is common to all; several plus signs at this place are rare.
        if lines.count == 2, lines[last].leading > 1, (before + lines[last].length - lines[last].leading) % 4 == 0 {
            lines[last].leading = 0
        }
        if !isWhole(lines[last].length), isWhole(lines[last].length - lines[last].leading) { lines[last].leading = 0 }
    }
}
