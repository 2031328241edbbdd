extension ModelDescription {
    /// Rejects declared shapes that no image network has, before anything is allocated or computed from them.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    package func checkLimits() throws {
        for (tensors, kind) in [(inputs, "inputs"), (outputs, "outputs")] where tensors.count > ModelLimits.tensors {
            throw SegmentationError.invalidConfiguration(
                "The model has \(tensors.count) \(kind); at most \(ModelLimits.tensors) are accepted.")
        }
        for input in inputs {
            try input.checkLimits(
                "input", longest: ModelLimits.inputSide, elements: ModelLimits.inputElements,
                advice: "Export the model with a smaller image size or batch.")
        }
        for output in outputs {
            try output.checkLimits(
                "output", longest: ModelLimits.outputDimension, elements: ModelLimits.outputElements,
                advice: "Check the export; no supported model has such an output.")
        }
    }
}

extension TensorDescription {
    fileprivate func checkLimits(_ kind: String, longest: Int, elements: Int, advice: String) throws {
        func refuse(_ found: String) -> SegmentationError {
            .invalidConfiguration("The \(kind) '\(name.excerpt())' \(found) accepted. \(advice)")
        }
        guard shape.count <= ModelLimits.rank else {
            throw refuse("has \(shape.count) dimensions; at most \(ModelLimits.rank) are")
        }
        let lengths = shape.compactMap(\.length)
        if let wrong = lengths.first(where: { !(0...longest).contains($0) }) {
            throw refuse("declares a dimension of \(wrong); at most \(longest) is")
        }
        let count = Tensor.elementCount(of: lengths)
        guard let count, count <= elements else {
            throw refuse("declares \(count.map(String.init) ?? "too many") elements; at most \(elements) are")
        }
    }
}

extension InferenceResult {
    /// Refuses outputs whose actual sizes are beyond what decoders compute with. They may differ from the declared ones.
    /// - Throws: `SegmentationError.unexpectedShape`.
    func checkLimits() throws {
        for (name, tensor) in outputs {
            let isSmall = tensor.shape.allSatisfy { $0 <= ModelLimits.outputDimension }
            guard isSmall, tensor.shape.count <= ModelLimits.rank, tensor.count <= ModelLimits.outputElements else {
                throw SegmentationError.unexpectedShape(
                    tensor: name.excerpt(), found: Array(tensor.shape.prefix(ModelLimits.rank)),
                    expected: "at most \(ModelLimits.rank) dimensions of at most \(ModelLimits.outputDimension), "
                        + "and at most \(ModelLimits.outputElements) elements")
            }
        }
    }

    /// Whether an output has NaN among some hundred of its elements, evenly spread: what a network gives whose arithmetic overflowed.
    var hasNaN: Bool {
        outputs.values.contains { tensor in
            let step = max(tensor.count / 256, 1)
            return tensor.withElements { elements in
                stride(from: 0, to: elements.count, by: step).contains { elements[$0].isNaN }
            }
        }
    }
}
