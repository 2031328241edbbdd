/// Letters for labels, without a font file: Latin letters, digits and signs, drawn at any height.
struct BitmapFont: Sendable {
    /// Height of a line in pixels.
    let height: Int

    private static let sourceHeight = 32
    private static let table: [Character: Glyph] = Dictionary(
        uniqueKeysWithValues: glyphs.map { ($0.character, Glyph(width: $0.width, digits: $0.pixels)) })

    /// One letter: its coverage, 0...15, row by row.
    private struct Glyph {
        let width: Int
        let coverage: [UInt8]

        init(width: Int, digits: String) {
            self.width = width
            var values = digits.utf8.map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
            values += [UInt8](repeating: 0, count: width * BitmapFont.sourceHeight - values.count)
            coverage = values
        }
    }

    /// Width of a text in pixels. Letters that the font lacks are drawn as `?`.
    func width(of text: String) -> Int {
        text.reduce(0) { $0 + scaled(glyph($1).width) }
    }

    /// Draws a text with its top left corner at (`x`, `y`), cut off at the canvas's edge.
    func draw(_ text: String, x: Int, y: Int, color: Color, on canvas: inout Canvas) {
        var pen = x
        for character in text {
            let glyph = glyph(character)
            let width = scaled(glyph.width)
            for row in 0..<height {
                for column in 0..<width {
                    let coverage = average(glyph, column, row, width)
                    if coverage > 0 { canvas.blend(color, x: pen + column, y: y + row, opacity: coverage) }
                }
            }
            pen += width
        }
    }

    private func glyph(_ character: Character) -> Glyph {
        Self.table[character] ?? Self.table["?"] ?? Glyph(width: 1, digits: "")
    }

    private func scaled(_ width: Int) -> Int { max(1, (width * height + Self.sourceHeight / 2) / Self.sourceHeight) }

    /// Mean coverage, 0...1, of the part of the glyph that one drawn pixel stands for.
    private func average(_ glyph: Glyph, _ column: Int, _ row: Int, _ width: Int) -> Double {
        let left = column * glyph.width / width
        let right = max(left + 1, (column + 1) * glyph.width / width)
        let top = row * Self.sourceHeight / height
        let bottom = max(top + 1, (row + 1) * Self.sourceHeight / height)
        var sum = 0
        for y in top..<bottom { for x in left..<right { sum += Int(glyph.coverage[y * glyph.width + x]) } }
        return Double(sum) / Double(15 * (right - left) * (bottom - top))
    }
}
