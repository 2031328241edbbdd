import Testing

@testable import Imaging

@Suite struct DrawingTests {
    let black = Image(size: ImageSize(width: 20, height: 12), color: .black)

    private func isSet(_ canvas: Canvas, _ x: Int, _ y: Int) -> Bool { canvas.image.pixels[3 * (y * 20 + x)] > 0 }

    @Test func aLineReachesBothEnds() {
        for end in [(19, 11), (0, 11), (19, 0), (5, 3)] {
            var canvas = Canvas(black)
            canvas.line(.white, from: (2, 2), to: end)
            #expect(isSet(canvas, 2, 2) && isSet(canvas, end.0, end.1))
        }
    }

    @Test func whatIsOutsideIsIgnored() {
        var canvas = Canvas(black)
        canvas.fill(.white, x: -5..<100, y: -5..<(-1))
        canvas.line(.white, from: (-50, -50), to: (-1, 60), width: 3)
        canvas.label("outside", x: 200, y: -90, height: 16, margin: 4, color: .white)
        #expect(canvas.image.pixels == black.pixels)
    }

    @Test func lettersHaveShapeAndUnknownOnesAreQuestionMarks() {
        let font = BitmapFont(height: 16)
        #expect(font.width(of: "coin 0.98") > font.width(of: "coin"))
        #expect(font.width(of: "鉛") == font.width(of: "?"))
        var canvas = Canvas(Image(size: ImageSize(width: 100, height: 20), color: .black))
        font.draw("Müller 7", x: 0, y: 0, color: .white, on: &canvas)
        #expect(canvas.image.pixels.contains { $0 > 200 })
    }

    @Test func coloursAreReadAsHexadecimal() {
        #expect(Color(hex: "#4892ea") == Color.palette[0])
        #expect(Color.palette[0].description == "#4892EA")
        for wrong in ["", "#", "4892ea", "#4892e", "#4892eaf", "#gggggg", "#+892ea"] {
            #expect(Color(hex: wrong) == nil)
        }
    }
}
