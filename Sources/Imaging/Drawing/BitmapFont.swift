/// Draws labels without a font file: Latin letters with their accents, digits, and punctuation, at any height.
struct BitmapFont: Sendable {
    /// Height of a line in pixels.
    let height: Int

    static let sourceHeight = 32
    /// The glyph of each character. A character without an entry is looked up by `glyph(of:)`.
    static let table: [Character: Glyph] = makeTable()

    private static let space = Glyph(width: spaceWidth, runs: [])
    private static let unknown = table["?"] ?? space

    /// The coverage of one character, 0...15 per pixel, column by column.
    struct Glyph: Hashable {
        let width: Int
        let coverage: [UInt8]

        /// Decodes the pixels of `BitmapFont.glyphs`.
        init(width: Int, runs: some Sequence<UInt8>) {
            self.width = width
            var values: [UInt8] = []
            for code in runs {
                switch code {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): values.append(code - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "f"): values.append(code - UInt8(ascii: "a") + 10)
                case UInt8(ascii: "g")...UInt8(ascii: "z"):
                    values += repeatElement(values.last ?? 0, count: Int(code - UInt8(ascii: "g")) + 2)
                default: break
                }
            }
            values += repeatElement(0, count: max(0, width * BitmapFont.sourceHeight - values.count))
            coverage = values
        }
    }

    /// Width of a text in pixels.
    func width(of text: String) -> Int {
        text.reduce(0) { $0 + scaled(Self.glyph(of: $1)?.width ?? 0) }
    }

    /// Draws a text with its top left corner at (`x`, `y`), cut off at the canvas's edge.
    func draw(_ text: String, x: Int, y: Int, color: RGBColor, on canvas: inout DrawingCanvas) {
        var pen = x
        for character in text {
            guard let glyph = Self.glyph(of: character) else { continue }
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

    /// Returns the glyph that a character is drawn with, or `nil` if the character is invisible and has no width.
    ///
    /// All white space is a space. A letter or digit with marks for which the font has no glyph is drawn without these
    /// marks; every other character that the font lacks is drawn as `?`.
    static func glyph(of character: Character) -> Glyph? {
        if let glyph = table[character] { return glyph }
        if character.isWhitespace { return space }
        // Soft hyphens, joiners, variation selectors, and other characters that have no shape of their own.
        var scalars = character.unicodeScalars.filter { !$0.properties.isDefaultIgnorableCodePoint }
        guard let base = scalars.first else { return nil }
        repeat {
            let shortened = String(String.UnicodeScalarView(scalars))
            if shortened.count == 1, let glyph = table[Character(shortened)] { return glyph }
            scalars.removeLast()
        } while !scalars.isEmpty && (base.properties.isAlphabetic || base.properties.numericType != nil)
        return unknown
    }

    private static func makeTable() -> [Character: Glyph] {
        var table: [Character: Glyph] = [:]
        for line in glyphs.utf8.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count == 3, let width = Int(Substring(fields[1])) else { continue }
            let glyph = Glyph(width: width, runs: fields[2])
            for character in Substring(fields[0]) { table[character] = glyph }
        }
        return table
    }

    /// Width in drawn pixels of a glyph that is `width` columns wide, or 0 for no glyph.
    private func scaled(_ width: Int) -> Int {
        width == 0 ? 0 : max(1, (width * height + Self.sourceHeight / 2) / Self.sourceHeight)
    }

    /// Mean coverage, 0...1, of the part of the glyph that one drawn pixel stands for.
    private func average(_ glyph: Glyph, _ column: Int, _ row: Int, _ width: Int) -> Double {
        let left = column * glyph.width / width
        let right = max(left + 1, (column + 1) * glyph.width / width)
        let top = row * Self.sourceHeight / height
        let bottom = max(top + 1, (row + 1) * Self.sourceHeight / height)
        var sum = 0
        for x in left..<right { for y in top..<bottom { sum += Int(glyph.coverage[x * Self.sourceHeight + y]) } }
        return Double(sum) / Double(15 * (right - left) * (bottom - top))
    }
}
