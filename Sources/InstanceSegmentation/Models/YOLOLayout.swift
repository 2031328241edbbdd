import Imaging

/// How the box output of a YOLO export is laid out. What follows it, suppression and masks, is the same for all.
enum YOLOLayout: Sendable {
    /// YOLOv8 and later, `[1, 4 + classes + coefficients, anchors]`: center, size, class probabilities, coefficients.
    case columns
    /// YOLOv5 and YOLOv7, `[1, anchors, 5 + classes + coefficients]`: center, size, objectness, class probabilities,
    /// coefficients.
    case rows
    /// End-to-end networks and exports with suppression in the graph, `[1, detections, 6 + coefficients]`: corners, score,
    /// class, coefficients.
    case endToEnd

    /// Numbers of one box besides its coefficients.
    func width(classCount: Int) -> Int {
        switch self {
        case .columns: 4 + classCount
        case .rows: 5 + classCount
        case .endToEnd: 6
        }
    }

    /// The boxes whose best class reaches the confidence. Of equal classes the first counts; NaN counts never.
    ///
    /// - Parameter ranksByObjectness: whether rows are judged by their objectness alone, as Roboflow's service does.
    func candidates(in output: YOLOBoxes, confidence: Float, ranksByObjectness: Bool = false) -> [Candidate] {
        switch self {
        case .columns: columnCandidates(output, confidence)
        case .rows: rowCandidates(output, confidence, ranksByObjectness)
        case .endToEnd: readyCandidates(output, confidence)
        }
    }

    /// A box's coefficient for prototype `k`.
    func coefficient(_ k: Int, of candidate: Candidate, in output: YOLOBoxes) -> Float {
        let place = width(classCount: output.classCount) + k
        return switch self {
        case .columns: output.elements[place * output.count + candidate.index]
        case .rows, .endToEnd: output.elements[candidate.index * output.stride + place]
        }
    }

    private func columnCandidates(_ output: YOLOBoxes, _ confidence: Float) -> [Candidate] {
        guard let rows = output.elements.baseAddress, output.count > 0 else { return [] }
        let (anchors, classes) = (output.count, output.classCount)
        let best = bestScores(rows + 4 * anchors, anchors: anchors, classes: classes)
        var candidates: [Candidate] = []
        for a in 0..<anchors where best[a] >= confidence {
            guard let classID = (0..<classes).first(where: { rows[(4 + $0) * anchors + a] == best[a] }) else {
                continue
            }
            candidates.append(
                Candidate(
                    box: BoundingBox(
                        centerX: Double(rows[a]), centerY: Double(rows[anchors + a]),
                        width: Double(rows[2 * anchors + a]),
                        height: Double(rows[3 * anchors + a])),
                    confidence: best[a], outputClass: classID, index: a))
        }
        return candidates
    }

    private func rowCandidates(_ output: YOLOBoxes, _ confidence: Float, _ ranksByObjectness: Bool) -> [Candidate] {
        (0..<output.count).compactMap { index -> Candidate? in
            let row = output.row(index)
            let objectness = row[4]
            guard objectness >= confidence else { return nil }
            var (best, classID) = (-Float.infinity, 0)
            for c in 0..<output.classCount where row[5 + c] > best { (best, classID) = (row[5 + c], c) }
            let score = ranksByObjectness ? objectness : objectness * best
            guard score >= confidence else { return nil }
            return Candidate(
                box: BoundingBox(
                    centerX: Double(row[0]), centerY: Double(row[1]), width: Double(row[2]), height: Double(row[3])),
                confidence: score, outputClass: classID, index: index)
        }
    }

    private func readyCandidates(_ output: YOLOBoxes, _ confidence: Float) -> [Candidate] {
        (0..<output.count).compactMap { index -> Candidate? in
            let row = output.row(index)
            // A row of zeros is padding.
            guard row[4] >= confidence, row[4] > 0, let classID = Int(exactly: row[5].rounded()), classID >= 0
            else { return nil }
            return Candidate(
                box: BoundingBox(x1: Double(row[0]), y1: Double(row[1]), x2: Double(row[2]), y2: Double(row[3])),
                confidence: row[4], outputClass: classID, index: index)
        }
    }
}

/// The box output of a YOLO export.
struct YOLOBoxes {
    let elements: UnsafeBufferPointer<Float>
    /// Number of boxes.
    let count: Int
    /// Numbers of a box where boxes are rows.
    let stride: Int
    let classCount: Int

    func row(_ index: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: elements[index * stride..<(index + 1) * stride])
    }
}

// MARK: Recognition

extension YOLOLayout {
    /// Recognizes the layout of a file whose last output of rank 4 is the prototypes and whose first output of rank 3
    /// contains the boxes; `nil` for other files. Outputs of rank 5 are the raw maps that YOLOv5 and YOLOv7 may leave
    /// next to them. YOLOv9 networks with two heads have a second pair.
    ///
    /// The number of anchors that an input of this size has decides first: columns have one for each cell, rows have three, finished
    /// rows any number. Then the metadata and the number of names.
    static func recognized(in model: ModelDescription, _ configuration: ModelConfiguration) -> YOLOLayout? {
        guard let boxes = YOLOSegmentation.boxOutput(model), let prototypes = YOLOSegmentation.prototypeOutput(model),
            let coefficients = prototypes.shape[1].length, YOLOSegmentation.prototypesWithChannelLast(model) == nil
        else { return nil }
        let (first, second) = (boxes.shape[1].length, boxes.shape[2].length)
        let isReadyWidth = second == nil || second == 6 + coefficients
        if configuration.hasReadyRows == true, isReadyWidth { return .endToEnd }
        let cells = cellCounts(model)
        // Three anchors a cell are YOLOv5's alone; with one class its rows are as wide as ready ones.
        if let first, cells.contains(where: { 3 * $0 == first }) { return .rows }
        let isColumns = first.map { $0 > 4 + coefficients } ?? false
        if isColumns, let second, cells.contains(second) { return .columns }
        if configuration.hasReadyRows == nil, isReadyWidth, second != nil, let first, first <= 1000 {
            return .endToEnd
        }
        if let count = configuration.names.keys.max().map({ $0 + 1 }) {
            if second == 5 + count + coefficients { return .rows }
            if first == 4 + count + coefficients { return .columns }
        }
        if first == nil && second != nil { return .rows }
        return isColumns ? .columns : nil
    }

    /// The numbers of cells that levels with strides 8, 16, 32 (and 64) have; empty where the input's size is free.
    private static func cellCounts(_ model: ModelDescription) -> [Int] {
        guard let size = model.imageSize else { return [] }
        func cells(_ stride: Int) -> Int { (size.height / stride) * (size.width / stride) }
        let three = cells(8) + cells(16) + cells(32)
        return three > 0 ? [three, three + cells(64)] : []
    }
}
