import Foundation
import ImageCodecs
import Imaging
import InstanceSegmentation

/// The curves of precision over recall of masks and boxes, as an image.
struct PrecisionRecallPlot {
    private let report: EvaluationReport

    init(_ report: EvaluationReport) {
        self.report = report
    }

    /// The format for a file's extension; `nil` if it is not a format that can be written.
    static func format(of file: String) -> ImageFormat? {
        let ending = URL(filePath: file).pathExtension.lowercased()
        return [ImageFormat.png, .jpeg, .webp].first { $0.fileExtensions.contains(ending) }
    }

    var image: RasterImage {
        let (left, top, width, height) = (90, 70, 640, 480)
        let ink = RGBColor(red: 40, green: 40, blue: 40), grid = RGBColor(red: 225, green: 225, blue: 225)
        var canvas = DrawingCanvas(
            RasterImage(size: ImageSize(width: left + width + 40, height: top + height + 80), color: .white))
        func place(_ recall: Double, _ precision: Double) -> (x: Int, y: Int) {
            (left + Int((recall * Double(width)).rounded()), top + Int(((1 - precision) * Double(height)).rounded()))
        }
        for step in 0...5 {
            let share = Double(step) / 5
            canvas.line(grid, from: place(share, 0), to: place(share, 1))
            canvas.line(grid, from: place(0, share), to: place(1, share))
            let text = String(format: "%.1f", share)
            canvas.text(text, x: place(share, 0).x - 12, y: top + height + 10, height: 16, color: ink)
            canvas.text(text, x: left - 40, y: place(0, share).y - 8, height: 16, color: ink)
        }
        canvas.stroke(ink, left: left, top: top, right: left + width, bottom: top + height)
        canvas.text("recall", x: left + width / 2 - 24, y: top + height + 40, height: 18, color: ink)
        canvas.text("precision", x: 12, y: top - 32, height: 18, color: ink)
        canvas.text(
            "\(report.model), \(report.images) images, IoU 0.5", x: left + 60, y: 14, height: 20, color: ink)
        for (index, (name, curve)) in [("mask", report.mask), ("box", report.box)].enumerated() {
            let color = RGBColor.palette[[0, 4][index]]
            let points = curve.precisionAtRecall.enumerated().map { place(Double($0.offset) / 100, $0.element) }
            for (from, to) in zip(points, points.dropFirst()) { canvas.line(color, from: from, to: to, width: 3) }
            let text = name + (curve.values[1].map { String(format: "  AP50 %.1f", $0 * 100) } ?? "")
            canvas.fill(
                color, x: left + 20..<left + 50, y: top + height - 60 + 26 * index..<top + height - 55 + 26 * index)
            canvas.text(text, x: left + 60, y: top + height - 66 + 26 * index, height: 18, color: ink)
        }
        return canvas.image
    }
}
