import InstanceSegmentation

/// Which other files a model names for its numbers, wherever in it: constants of its graph, tensors in attributes of operations, graphs inside
/// of operations, functions, and what it brings for training.
///
/// A runtime opens what is named, and would wait for a pipe. Where a tensor names several files, runtimes take the last one; here all count.
///
/// Source: `onnx.proto` of the ONNX project; field numbers are those there.
struct WeightFiles {
    var names: Set<String> = []
    /// Operations and tensors inside of operations and functions.
    private var entries = 0

    /// An `AttributeProto`, which may hold tensors and graphs.
    private mutating func add(
        attribute range: Range<Int>, of bytes: ByteWindow, depth: Int
    ) throws(ONNXHeader.Refusal) {
        var reader = ProtobufReader(bytes, range)
        while let part = try reader.next() {
            switch part.number {
            case 5, 10:
                try count()
                names.formUnion(try ONNXTensor(bytes, part.content).files)
            case 22, 23: try add(sparseTensor: part.content, of: bytes)
            case 6, 11: try add(graph: part.content, of: bytes, depth: depth + 1)
            default: break
            }
        }
    }

    /// The attributes of a `NodeProto`.
    mutating func add(operation range: Range<Int>, of bytes: ByteWindow, depth: Int = 0) throws(ONNXHeader.Refusal) {
        var reader = ProtobufReader(bytes, range)
        while let attribute = try reader.first(5) { try add(attribute: attribute.content, of: bytes, depth: depth) }
    }

    /// A `SparseTensorProto`.
    mutating func add(sparseTensor range: Range<Int>, of bytes: ByteWindow) throws(ONNXHeader.Refusal) {
        var reader = ProtobufReader(bytes, range)
        while let part = try reader.next() {
            guard part.number == 1 || part.number == 2 else { continue }
            try count()
            names.formUnion(try ONNXTensor(bytes, part.content).files)
        }
    }

    /// A `GraphProto` other than the model's own.
    private mutating func add(graph range: Range<Int>, of bytes: ByteWindow, depth: Int) throws(ONNXHeader.Refusal) {
        guard depth <= ModelLimits.nesting else {
            throw .tooMany("graphs inside each other", limit: ModelLimits.nesting)
        }
        var reader = ProtobufReader(bytes, range)
        while let part = try reader.next() {
            switch part.number {
            case 1:
                try count()
                try add(operation: part.content, of: bytes, depth: depth)
            case 5:
                try count()
                names.formUnion(try ONNXTensor(bytes, part.content).files)
            case 15: try add(sparseTensor: part.content, of: bytes)
            default: break
            }
        }
    }

    /// A `FunctionProto`: its operations, and the values of attributes that calls leave out.
    mutating func add(function range: Range<Int>, of bytes: ByteWindow) throws(ONNXHeader.Refusal) {
        var reader = ProtobufReader(bytes, range)
        while let part = try reader.next() {
            switch part.number {
            case 7:
                try count()
                try add(operation: part.content, of: bytes, depth: 0)
            case 11: try add(attribute: part.content, of: bytes, depth: 0)
            default: break
            }
        }
    }

    /// A `TrainingInfoProto`: two graphs.
    mutating func add(training range: Range<Int>, of bytes: ByteWindow) throws(ONNXHeader.Refusal) {
        var reader = ProtobufReader(bytes, range)
        while let part = try reader.next() {
            guard part.number == 1 || part.number == 2 else { continue }
            try add(graph: part.content, of: bytes, depth: 0)
        }
    }

    private mutating func count() throws(ONNXHeader.Refusal) {
        entries += 1
        guard entries <= 4 * ModelLimits.graphEntries else {
            throw .tooMany("operations and tensors inside of operations", limit: 4 * ModelLimits.graphEntries)
        }
    }
}

/// What a header needs of a `TensorProto`.
struct ONNXTensor {
    private(set) var name: String?
    /// Whether it holds 16-bit floats.
    private(set) var isHalf = false
    /// The files that its numbers are said to be in; none where they are in the model itself.
    private(set) var files: Set<String> = []

    init(_ bytes: ByteWindow, _ range: Range<Int>) throws(ONNXHeader.Refusal) {
        var reader = ProtobufReader(bytes, range)
        while let part = try reader.next() {
            switch part.number {
            case 2: isHalf = part.value == 10
            case 8: name = try bytes.text(part.content)
            case 13:
                let (key, value) = try ProtobufReader.entry(in: bytes, part.content)
                if key == "location" { files.insert(value ?? "") }
            default: break
            }
        }
    }
}
