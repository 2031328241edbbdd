package import InstanceSegmentation

extension ModelDescription {
    /// Describes a model as its file does: with the shapes that the file declares, and the precision of its weights.
    package init(_ header: ONNXHeader) {
        self.init(inputs: header.inputs, outputs: header.outputs, metadata: header.metadata)
        precision = header.precision
        weightFiles = header.weightFiles
    }
}
