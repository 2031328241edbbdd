package import InstanceSegmentation

extension ONNXGraph {
    /// The heads of a network as Ultralytics exports YOLOv8 to YOLO12 for segmentation; `nil` where the graph ends in any other way.
    ///
    /// ```
    /// boxes   = Concat(Div(Add(near, far), 2), Sub(far, near)) * strides
    /// near    = anchors - distances[0..<2],  far = anchors + distances[2..<4]
    /// distances = Conv(Softmax(Transpose(Reshape(Concat(Reshape(box head of each level))))))    weights 0, 1, 2, ...
    /// output0 = Concat(boxes, Sigmoid(Concat(Reshape(class heads))), Concat(Reshape(coefficient heads)))
    /// ```
    ///
    /// Source: Ultralytics, `nn/modules/head.py`, `Segment` and `Detect._inference`; `block.py`, `DFL`.
    package var detectionHeads: RawHeads? {
        guard outputs.count == 2, let joined = parts(of: outputs[0], axes: [1, -2]), joined.count == 3,
            let boxes = boxHeads(joined[0]),
            let scores = node(making: joined[1]), scores.type == "Sigmoid",
            let classes = heads(scores.input), let coefficients = heads(joined[2]),
            boxes.count == classes.count, classes.count == coefficients.count
        else { return nil }
        let levels = boxes.indices.map {
            RawHeads.Level(boxes: boxes[$0], classes: classes[$0], coefficients: coefficients[$0])
        }
        let heads = RawHeads(levels: levels, prototypes: outputs[1])
        return Set(heads.names).count == heads.names.count ? heads : nil
    }

    /// The heads behind the boxes of all anchors.
    private func boxHeads(_ boxes: String) -> [String]? {
        guard let scaled = node(making: boxes), scaled.type == "Mul",
            let pair = scaled.inputs.lazy.compactMap({ parts(of: $0, axes: [1, -2]) }).first, pair.count == 2,
            let centre = node(making: pair[0]), centre.type == "Div",
            let sum = node(making: centre.input), sum.type == "Add",
            let size = node(making: pair[1]), size.type == "Sub", size.inputs.count == 2,
            Set(size.inputs) == Set(sum.inputs),
            let far = node(making: size.input), far.type == "Add",
            let near = node(making: size.inputs[1]), near.type == "Sub",
            let farSlice = far.inputs.first(where: isSlice), let nearSlice = near.inputs.first(where: isSlice),
            areSame(far.input, near.input),
            let source = node(making: farSlice)?.input, source == node(making: nearSlice)?.input,
            let distances = node(making: source), distances.type == "Reshape",
            let sums = node(making: distances.input), sums.type == "Conv", sums.inputs.count == 2,
            let weights = floats(sums.inputs[1]), weights == weights.indices.map(Float.init),
            let shares = node(making: sums.input), shares.type == "Softmax", shares.numbers["axis"] == [1],
            let turned = node(making: shares.input), turned.type == "Transpose",
            turned.numbers["perm"] == [0, 2, 1, 3],
            let split = node(making: turned.input), split.type == "Reshape"
        else { return nil }
        return heads(split.input)
    }

    private func isSlice(_ tensor: String) -> Bool { node(making: tensor)?.type == "Slice" }

    /// Whether two tensors are one, or constants with the same numbers.
    private func areSame(_ a: String, _ b: String) -> Bool {
        if a == b { return true }
        guard let first = floats(a), let second = floats(b) else { return false }
        return first == second
    }

    /// What is joined along one of the axes.
    private func parts(of tensor: String, axes: Set<Int>) -> [String]? {
        guard let node = node(making: tensor), node.type == "Concat", let axis = node.numbers["axis"]?.first,
            axes.contains(axis)
        else { return nil }
        return node.inputs
    }

    /// The maps of the levels whose cells are joined to anchors.
    private func heads(_ tensor: String) -> [String]? {
        guard let levels = parts(of: tensor, axes: [2, -1]) else { return nil }
        let maps = levels.compactMap { level -> String? in
            guard let flat = node(making: level), flat.type == "Reshape", let map = node(making: flat.input),
                map.type == "Conv"
            else { return nil }
            return flat.input
        }
        return maps.count == levels.count && !maps.isEmpty ? maps : nil
    }
}
