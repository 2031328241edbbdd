/// An input or output of a model, as its file declares it.
public struct TensorDescription: Hashable, Sendable, CustomStringConvertible {
    /// The element types of tensors.
    public enum ElementType: String, Sendable {
        case float32, float16, bfloat16, float64, uint8, int8, int32, int64, bool, other
    }

    /// One dimension: a fixed length, or dynamic with a name (which may be empty).
    public enum Dimension: Hashable, Sendable, CustomStringConvertible {
        case fixed(Int)
        case free(String)

        /// The fixed length; `nil` for a dynamic dimension.
        public var length: Int? {
            if case .fixed(let length) = self { length } else { nil }
        }

        public var description: String {
            switch self {
            case .fixed(let length): String(length)
            case .free(let name): name.isEmpty ? "?" : name
            }
        }
    }

    public let name: String
    public let elementType: ElementType
    public let shape: [Dimension]

    public init(name: String, elementType: ElementType, shape: [Dimension]) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
    }

    /// For example `images float32 [batch, 3, 640, 640]`; long names and shapes are truncated.
    public var description: String {
        let dimensions = shape.prefix(ModelLimits.rank).map { $0.description.excerpt() }
        return "\(name.excerpt()) \(elementType.rawValue) "
            + "[\(dimensions.joined(separator: ", "))\(shape.count > dimensions.count ? ", …" : "")]"
    }
}

/// The inputs, outputs and metadata of a model, as its file declares them.
public struct ModelDescription: Sendable {
    public let inputs: [TensorDescription]
    public let outputs: [TensorDescription]
    /// The custom metadata that exporters write: names, stride, task and others.
    public let metadata: [String: String]
    /// The raw heads that the outputs consist of, if the runtime pruned the end of the graph.
    public var heads: RawHeads?
    /// The precision in which the network runs.
    public var precision = InferencePrecision.float32
    /// Paths of external weight files, relative to the model's folder.
    public var weightFiles: Set<String> = []
    /// The run that shapes are taken from; `nil` where they are those that the file declares.
    var trial: TrialRun?

    public init(inputs: [TensorDescription], outputs: [TensorDescription], metadata: [String: String]) {
        self.inputs = inputs
        self.outputs = outputs
        self.metadata = metadata
    }

    /// Inputs and outputs in one line, for error messages.
    var summary: String {
        func list(_ tensors: [TensorDescription]) -> String {
            tensors.prefix(32).map(\.description).joined(separator: ", ") + (tensors.count > 32 ? ", …" : "")
        }
        return "inputs \(list(inputs)); outputs \(list(outputs))"
    }
}
