import Imaging

/// The boxes that YOLACT's offsets are relative to, for exports that leave them out: three for each cell of five levels, with the ratios
/// 1, 1/2 and 2.
///
/// Source: YOLACT, `yolact.py`, `PredictionModule.make_priors`; Yolact_minimal, `utils/box_utils.py`, `make_anchors`, and `config.py`.
enum YOLACTPriors: Sendable {
    /// The priors of the original. Heights equal widths, which is how its weights were trained; side lengths refer to
    /// an input of 550 pixels.
    case square
    /// The priors of Yolact_minimal, whose heights follow the ratio; side lengths refer to an input of 544 pixels.
    case byRatio

    private var referenceSide: Int {
        switch self {
        case .square: 550
        case .byRatio: 544
        }
    }

    /// The number of boxes for an input.
    static func count(for input: ImageSize) -> Int {
        strides.reduce(0) { $0 + 3 * cells(input.width, $1.0) * cells(input.height, $1.0) }
    }

    /// Center and size of each box, as shares of the input, level after level and row after row.
    func boxes(for input: ImageSize) -> [Float] {
        var priors: [Float] = []
        priors.reserveCapacity(4 * Self.count(for: input))
        let side = input.width
        for (stride, length) in Self.strides {
            let (columns, rows) = (Self.cells(input.width, stride), Self.cells(input.height, stride))
            let scale = Double(length * side / referenceSide) / Double(side)
            for row in 0..<rows {
                for column in 0..<columns {
                    for ratio in [1, 0.5, 2.0] {
                        let width = scale * ratio.squareRoot()
                        let height = self == .square ? width : scale / ratio.squareRoot()
                        priors += [
                            (Float(column) + 0.5) / Float(columns), (Float(row) + 0.5) / Float(rows), Float(width),
                            Float(height),
                        ]
                    }
                }
            }
        }
        return priors
    }

    /// The levels: pixels of a cell, and the length of a box of ratio 1.
    private static let strides = [(8, 24), (16, 48), (32, 96), (64, 192), (128, 384)]

    private static func cells(_ side: Int, _ stride: Int) -> Int { (side + stride - 1) / stride }
}
