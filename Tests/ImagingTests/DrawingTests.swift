import Testing

@testable import Imaging

@Suite struct DrawingTests {
    let black = RasterImage(size: ImageSize(width: 20, height: 12), color: .black)

    private func isSet(_ canvas: DrawingCanvas, _ x: Int, _ y: Int) -> Bool {
        canvas.image.pixels[3 * (y * 20 + x)] > 0
    }

    @Test func aLineReachesBothEnds() {
        for end in [(19, 11), (0, 11), (19, 0), (5, 3)] {
            var canvas = DrawingCanvas(black)
            canvas.line(.white, from: (2, 2), to: end)
            #expect(isSet(canvas, 2, 2) && isSet(canvas, end.0, end.1))
        }
    }

    @Test func whatIsOutsideIsIgnored() {
        var canvas = DrawingCanvas(black)
        canvas.fill(.white, x: -5..<100, y: -5..<(-1))
        canvas.line(.white, from: (-50, -50), to: (-1, 60), width: 3)
        canvas.label("outside", x: 200, y: -90, height: 16, margin: 4, color: .white)
        #expect(canvas.image.pixels == black.pixels)
    }

    /// A text in white on black: its width and its pixels.
    private func drawn(_ text: String, height: Int = 32) -> RasterImage {
        let font = BitmapFont(height: height)
        var canvas = DrawingCanvas(
            RasterImage(size: ImageSize(width: max(1, font.width(of: text)), height: height), color: .black))
        font.draw(text, x: 0, y: 0, color: .white, on: &canvas)
        return canvas.image
    }

    /// Rows from the first to the last one that holds ink, or `nil` if all are blank.
    private func inkedRows(of text: String) -> ClosedRange<Int>? {
        let image = drawn(text)
        let stride = 3 * image.size.width
        let rows = (0..<image.size.height).filter { image.pixels[stride * $0..<stride * ($0 + 1)].contains { $0 > 0 } }
        guard let first = rows.first, let last = rows.last else { return nil }
        return first...last
    }

    /// ASCII, Latin-1, and Latin Extended-A without spaces and the soft hyphen, then letters and signs beyond them.
    private var letters: [Character] {
        let codes = [0x21...0x7E, 0xA1...0xAC, 0xAE...0x17F].joined()
        return codes.compactMap { Unicode.Scalar(UInt32($0)) }.map { Character($0) }
            + "ȘșȚțẞẀẅƠưẠấỒỹƏə–—‘’‚“”„†‡•…‰‹›−≈≠≤≥∞™₂€₹"
    }

    @Test func lettersHaveShape() {
        let font = BitmapFont(height: 16)
        #expect(font.width(of: "coin 0.98") > font.width(of: "coin"))
        #expect(drawn("Müller 7", height: 16).pixels.contains { $0 > 200 })
    }

    @Test func everyLetterHoldsInkAndNoTwoAreEqual() {
        var drawings: [[UInt8]: [Character]] = [:]
        for letter in letters { drawings[drawn(String(letter)).pixels, default: []].append(letter) }
        #expect(!drawings.keys.contains { $0.allSatisfy { $0 == 0 } })
        // The Icelandic and the Croatian capital look the same in print, too.
        #expect(drawings.values.filter { $0.count > 1 } == [["Ð", "Đ"]])
    }

    @Test func everyGlyphOfTheTableHoldsInkAndNoTwoAreEqual() {
        let glyphs = Set(BitmapFont.table.values)
        #expect(glyphs.count == BitmapFont.glyphs.split(separator: "\n").count)
        for glyph in glyphs {
            #expect(glyph.coverage.count == glyph.width * BitmapFont.sourceHeight)
            #expect(glyph.coverage.contains { $0 > 0 } && glyph.coverage.allSatisfy { $0 <= 15 })
        }
    }

    @Test(arguments: [12, 16, 24]) func accentsAreVisibleAtLabelSizes(height: Int) {
        let pairs = [
            ("Münze", "Munze"), ("Münze", "Mönze"), ("Würfel", "Wurfel"), ("żółw", "zolw"), ("Åse", "Ase"),
            ("Åse", "Äse"),
        ]
        for (accented, plain) in pairs {
            var with = DrawingCanvas(RasterImage(size: ImageSize(width: 200, height: 40), color: .black))
            var without = with
            with.label(accented, x: 2, y: 2, height: height, margin: 4, color: .palette[0])
            without.label(plain, x: 2, y: 2, height: height, margin: 4, color: .palette[0])
            #expect(with.image.pixels != without.image.pixels, "\(accented), \(plain)")
        }
    }

    @Test func marksAboveCapitalsAndBelowTheBaselineFitIntoTheLine() throws {
        let capital = try #require(inkedRows(of: "A"))
        let small = try #require(inkedRows(of: "c"))
        for letter in ["Å", "Ã", "Ů", "Ũ", "Ĝ", "Č", "Ế"] {
            #expect(try #require(inkedRows(of: letter)).lowerBound <= capital.lowerBound - 4, "\(letter)")
        }
        for letter in ["ç", "ņ", "ș", "p", "ŋ", "Ģ", "Ț"] {
            #expect(try #require(inkedRows(of: letter)).upperBound >= small.upperBound + 4, "\(letter)")
        }
    }

    @Test func decomposedLettersAreDrawnAsComposedOnes() {
        for (decomposed, composed) in [("e\u{301}", "\u{E9}"), ("S\u{30C}", "\u{160}"), ("s\u{326}", "\u{219}")] {
            #expect(drawn(decomposed).pixels == drawn(composed).pixels)
            #expect(drawn(decomposed).pixels != drawn("?").pixels)
        }
    }

    @Test func lettersWithUnknownMarksAreDrawnAsTheNearestLetter() {
        let nearest = [
            ("\u{1ECD}\u{301}", "ọ"), ("q\u{303}", "q"), ("\u{1D6}", "ü"), ("\u{1E25}", "h"),
            ("1\u{FE0F}\u{20E3}", "1"), ("n\u{200D}", "n"), ("–\u{FE0F}", "–"),
        ]
        for (text, letter) in nearest { #expect(drawn(text).pixels == drawn(letter).pixels, "\(text)") }
    }

    @Test func whiteSpaceIsBlankAndInvisibleCharactersHaveNoWidth() {
        for space in [" ", "\u{A0}", "\u{202F}", "\u{2009}", "\t", "\n", "\r\n"] {
            #expect(drawn("a\(space)b").pixels == drawn("a b").pixels)
            #expect(drawn(space).pixels.allSatisfy { $0 == 0 })
        }
        for invisible in ["\u{AD}", "\u{200B}", "\u{2060}", "\u{FEFF}"] {
            #expect(drawn("a\(invisible)b").pixels == drawn("ab").pixels)
        }
        #expect(BitmapFont(height: 16).width(of: "\u{AD}") == 0)
    }

    @Test func unknownCharactersAreQuestionMarks() {
        // Without their marks, "≮" and "й" would be another sign and another letter.
        for unknown in ["鉛", "ж", "й", "ع", "한", "≮", "👩‍👩‍👧", "🇩🇪", "\u{301}", "\u{7}"] {
            #expect(drawn(unknown).pixels == drawn("?").pixels, "\(unknown)")
        }
        #expect(drawn("鉛 ж").pixels == drawn("? ?").pixels)
    }

    @Test func coloursAreReadAsHexadecimal() {
        #expect(RGBColor(hex: "#4892ea") == RGBColor.palette[0])
        #expect(RGBColor.palette[0].description == "#4892EA")
        for wrong in ["", "#", "4892ea", "#4892e", "#4892eaf", "#gggggg", "#+892ea"] {
            #expect(RGBColor(hex: wrong) == nil)
        }
    }
}
