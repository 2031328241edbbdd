import Foundation
import InstanceSegmentation

/// The objects of one image for people to read.
struct PredictionTable {
    let file: String
    let segmentation: Segmentation

    var text: String {
        let found = segmentation.detections
        let timing = segmentation.timing
        let stages = [
            ("decode", timing.decode), ("preprocess", timing.preprocess), ("inference", timing.inference),
            ("postprocess", timing.postprocess), ("outlines", timing.outlines),
        ]
        var lines = [
            "\(file.printable)  \(segmentation.imageSize)  \(found.count) \(found.count == 1 ? "object" : "objects")  "
                + stages.map { "\($0.0) \(milliseconds($0.1))" }.joined(separator: ", ") + " ms"
        ]
        let outlines = segmentation.outlines ?? []
        let rows = found.enumerated().map { index, detection in
            let box = detection.box.rounded
            return [
                detection.className.printable, percent(detection.confidence),
                "\(Int(box.x1)),\(Int(box.y1)) \(Int(box.width))x\(Int(box.height))",
                "\((outlines.indices.contains(index) ? outlines[index] : nil)?.points.count ?? 0)",
            ]
        }
        if !rows.isEmpty {
            let table = TextTable(header: ["class", "confidence", "box", "points"], rows: rows)
            lines += table.lines.map { "  " + $0 }
        }
        return lines.joined(separator: "\n")
    }

    private func percent(_ confidence: Float) -> String {
        "\((Double(confidence) * 1000).rounded() / 10) %"
    }

    private func milliseconds(_ duration: Duration) -> String {
        "\((duration.seconds * 10_000).rounded() / 10)"
    }
}
