import Imaging

/// One run of a network on an image without content, which shows the lengths that its file leaves free or declares wrongly.
struct TrialRun: Sendable {
    /// Shape of the image input that was given.
    let inputShape: [Int]
    /// The outputs, by name.
    let outputs: [String: Tensor]
}

extension ModelDescription {
    /// The description with the lengths that a run showed. A length of 0, as of an empty list of detections, shows nothing: the declared
    /// one stays.
    func observed(_ run: TrialRun) -> ModelDescription {
        let observed = outputs.map { output in
            guard let tensor = run.outputs[output.name] else { return output }
            let shape = tensor.shape.enumerated().map { index, length -> TensorDescription.Dimension in
                if length > 0 { return .fixed(length) }
                return tensor.shape.count == output.shape.count ? output.shape[index] : .free("")
            }
            return TensorDescription(name: output.name, elementType: output.elementType, shape: shape)
        }
        var description = ModelDescription(inputs: inputs, outputs: observed, metadata: metadata)
        (description.heads, description.precision, description.weightFiles) = (heads, precision, weightFiles)
        description.trial = run
        return description
    }

    /// The height and width of the network's input in the run that was observed, or as they are declared; `nil` where they are free.
    var imageSize: ImageSize? {
        guard let declared = inputs.first?.shape.map(\.length) else { return nil }
        let shape = trial?.inputShape.map(Int?.some) ?? declared
        let (height, width): (Int?, Int?)
        switch shape.count {
        case 4 where shape[3] == 3 && shape[1] != 3: (height, width) = (shape[1], shape[2])
        case 4: (height, width) = (shape[2], shape[3])
        case 3: (height, width) = (shape[1], shape[2])
        default: return nil
        }
        guard let height, let width, height > 0, width > 0 else { return nil }
        return ImageSize(width: width, height: height)
    }

    /// The input of zeros for a run of a model that is not recognized by what its file declares.
    /// - Parameter size: of the image, where the file leaves it free.
    /// - Returns: `nil` where the model has several inputs, or one that is not an image.
    func zeros(size: ImageSize) -> (name: String, tensor: Tensor)? {
        guard inputs.count == 1, let input = inputs.first,
            [.float32, .float16, .uint8].contains(input.elementType)
        else { return nil }
        let declared = input.shape.map(\.length)
        let filled: [Int?] =
            switch declared.count {
            case 4 where declared[3] == 3 && declared[1] != 3: [1, size.height, size.width, 3]
            case 4: [1, 3, size.height, size.width]
            case 3: [3, size.height, size.width]
            default: []
            }
        let shape = zip(declared, filled).map { $0 ?? $1 ?? 1 }
        guard !shape.isEmpty, let count = Tensor.elementCount(of: shape),
            (1...ModelLimits.inputElements).contains(count)
        else { return nil }
        return (input.name, Tensor(shape: shape, elements: [Float](repeating: 0, count: count)))
    }
}

extension ModelDescription {
    /// Whether the file leaves a length of its outputs free, other than that of the batch, so that a run may show another layout.
    package var leavesOutputsFree: Bool {
        outputs.contains { output in output.shape.dropFirst().contains { $0.length == nil } }
    }
}
