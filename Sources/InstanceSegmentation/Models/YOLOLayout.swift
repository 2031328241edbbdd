/// How the box output of a YOLO export is laid out. What follows it, suppression and masks, is the same for all.
enum YOLOLayout: Sendable {
    /// YOLOv8 and later, `[1, 4 + classes + coefficients, anchors]`: centre, size, class probabilities, coefficients.
    case columns
    /// YOLOv5 and YOLOv7, `[1, anchors, 5 + classes + coefficients]`: centre, size, objectness, class probabilities,
    /// coefficients.
    case rows
    /// End-to-end networks and exports with suppression in the graph, `[1, detections, 6 + coefficients]`: corners, score,
    /// class, coefficients.
    case readyRows

    /// Numbers of one box beside its coefficients.
    func width(classCount: Int) -> Int {
        switch self {
        case .columns: 4 + classCount
        case .rows: 5 + classCount
        case .readyRows: 6
        }
    }

    /// The boxes whose best class reaches the confidence. Of equal classes the first counts; NaN counts never.
    ///
    /// - Parameter ranksByObjectness: whether rows are judged by their objectness alone, as Roboflow's service does.
    func candidates(in output: YOLOBoxes, confidence: Float, ranksByObjectness: Bool = false) -> [Candidate] {
        switch self {
        case .columns: columnCandidates(output, confidence)
        case .rows: rowCandidates(output, confidence, ranksByObjectness)
        case .readyRows: readyCandidates(output, confidence)
        }
    }

    /// A box's coefficient for prototype `k`.
    func coefficient(_ k: Int, of candidate: Candidate, in output: YOLOBoxes) -> Float {
        let place = width(classCount: output.classCount) + k
        return switch self {
        case .columns: output.elements[place * output.count + candidate.index]
        case .rows, .readyRows: output.elements[candidate.index * output.stride + place]
        }
    }

    private func columnCandidates(_ output: YOLOBoxes, _ confidence: Float) -> [Candidate] {
        guard let rows = output.elements.baseAddress, output.count > 0 else { return [] }
        let (anchors, classes) = (output.count, output.classCount)
        // Class after class over all anchors: contiguous, and vectorised by the compiler.
        let best = [Float](unsafeUninitializedCapacity: anchors) { best, count in
            guard let best = best.baseAddress else { return }
            best.initialize(repeating: -.infinity, count: anchors)
            for classID in 0..<classes {
                let scores = rows + (4 + classID) * anchors
                for a in 0..<anchors { best[a] = scores[a] > best[a] ? scores[a] : best[a] }
            }
            count = anchors
        }
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
                    confidence: best[a], classID: classID, index: a))
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
                confidence: score, classID: classID, index: index)
        }
    }

    private func readyCandidates(_ output: YOLOBoxes, _ confidence: Float) -> [Candidate] {
        (0..<output.count).compactMap { index -> Candidate? in
            let row = output.row(index)
            // A row of zeros is padding.
            guard row[4] >= confidence, row[4] > 0, let classID = Int(exactly: row[5].rounded()),
                (0..<output.classCount).contains(classID)
            else { return nil }
            return Candidate(
                box: BoundingBox(x1: Double(row[0]), y1: Double(row[1]), x2: Double(row[2]), y2: Double(row[3])),
                confidence: row[4], classID: classID, index: index)
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
    /// The layout of a file whose last output of rank 4 are the prototypes and whose first of rank 3 has the boxes; `nil` where it
    /// is none. Outputs of rank 5 are the raw maps that YOLOv5 and YOLOv7 may leave beside them; YOLOv9's networks with two heads
    /// have a second pair.
    static func recognized(in model: ModelDescription, _ configuration: ModelConfiguration) -> YOLOLayout? {
        guard let boxes = YOLOSegmentation.boxOutput(model), let prototypes = YOLOSegmentation.prototypeOutput(model),
            let coefficients = prototypes.shape[1].length
        else { return nil }
        let (first, second) = (boxes.shape[1].length, boxes.shape[2].length)
        let anchors = anchorCount(model)
        if configuration.hasReadyRows == true { return .readyRows }
        // Three anchors a cell are YOLOv5's alone; with one class its rows are as wide as ready ones.
        let isTriple = first != nil && anchors.map { [3 * $0.three, 3 * $0.four].contains(first) } ?? false
        if isTriple { return .rows }
        if configuration.hasReadyRows == nil, second == 6 + coefficients, let first, first <= 1000 { return .readyRows }
        if let second, !configuration.names.isEmpty, second == 5 + configuration.names.count + coefficients {
            return .rows
        }
        if first == nil && second != nil { return .rows }
        if let first, first > 4 + coefficients { return .columns }
        return nil
    }

    /// Cells of the levels with strides 8, 16, 32 (and 64), where the input's size is fixed.
    private static func anchorCount(_ model: ModelDescription) -> (three: Int, four: Int)? {
        guard let shape = model.inputs.first?.shape, shape.count == 4, let height = shape[2].length,
            let width = shape[3].length
        else { return nil }
        func cells(_ stride: Int) -> Int { (height / stride) * (width / stride) }
        let three = cells(8) + cells(16) + cells(32)
        return (three, three + cells(64))
    }
}
