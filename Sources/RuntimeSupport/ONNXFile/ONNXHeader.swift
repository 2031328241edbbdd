import Foundation
package import InstanceSegmentation

/// What an ONNX file says of itself: its inputs and outputs as they are declared, its metadata, and what kind of numbers it holds.
///
/// Source: `onnx.proto` of the ONNX project; field numbers are those there.
package struct ONNXHeader {
    package let inputs: [TensorDescription]
    package let outputs: [TensorDescription]
    /// What exporters write: names, stride, task, ...
    package let metadata: [String: String]
    /// `int8` for a quantized network; otherwise the kind of most of its weights.
    package let precision: InferencePrecision
    /// The files that hold weights or other numbers, relative to the folder of the model.
    package let weightFiles: Set<String>

    /// Why bytes are not taken for a model.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        /// They are not an ONNX file, or only a part of one.
        case malformed
        /// More of something than any model has.
        case tooMany(String, limit: Int)
        /// The system's error number.
        case unreadable(Int32)

        package var description: String {
            switch self {
            case .malformed: "is not a valid ONNX model, or it is truncated"
            case .tooMany(let what, let limit): "has more than \(limit) \(what), which are not accepted"
            case .unreadable(let code): "cannot be read: \(String(cString: strerror(code)))"
            }
        }
    }

    /// Reads what a file says of itself. Its weights are not read.
    package init(reading source: any ByteSource) throws(Refusal) { try self.init(ByteWindow(source)) }

    init(_ bytes: ByteWindow) throws(Refusal) {
        var graph: Range<Int>?
        var metadata: [String: String] = [:]
        var weightFiles = WeightFiles()
        var file = ProtobufReader(bytes)
        while let field = try file.next() {
            switch field.number {
            case 7:
                guard graph == nil else { throw .malformed }  // readers would join the two
                graph = field.content
            case 14:
                guard metadata.count < ModelLimits.metadataEntries else {
                    throw .tooMany("entries of metadata", limit: ModelLimits.metadataEntries)
                }
                let (key, value) = try ProtobufReader.entry(in: bytes, field.content)
                if let key { metadata[key] = value ?? "" }
            case 20: try weightFiles.add(training: field.content, of: bytes)
            case 25: try weightFiles.add(function: field.content, of: bytes)
            default: break
            }
        }
        guard file.isIntact, let graph else { throw .malformed }
        var (inputs, outputs) = ([TensorDescription](), [TensorDescription]())
        var names = Set<String>()
        var weights = (half: 0, other: 0)
        var isQuantized = false
        var (operations, constants, entries) = (0, 0, 0)
        var reader = ProtobufReader(bytes, graph)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                operations += 1
                if !isQuantized { isQuantized = try Self.isQuantized(bytes, field.content) }
                try weightFiles.add(operation: field.content, of: bytes)
            case 5:
                constants += 1
                let constant = try ONNXTensor(bytes, field.content)
                if let name = constant.name { names.insert(name) }
                if constant.isHalf { weights.half += field.content.count } else { weights.other += field.content.count }
                weightFiles.names.formUnion(constant.files)
            case 11: inputs.append(try TensorDescription(bytes, field.content))
            case 12: outputs.append(try TensorDescription(bytes, field.content))
            case 15:
                entries += 1
                try weightFiles.add(sparseTensor: field.content, of: bytes)
            default: entries += 1
            }
            // Old files list their constants among the inputs; what else there is, is a value's type for each operation.
            for (what, count, limit) in [
                ("operations", operations, ModelLimits.graphEntries),
                ("constants", constants, ModelLimits.graphEntries),
                ("inputs", inputs.count, ModelLimits.graphEntries), ("outputs", outputs.count, ModelLimits.tensors),
                ("other entries", entries, 4 * ModelLimits.graphEntries),
            ] where count > limit { throw .tooMany(what, limit: limit) }
        }
        guard reader.isIntact, !outputs.isEmpty else { throw .malformed }
        // Old files list their constants among the inputs.
        self.inputs = inputs.filter { !names.contains($0.name) }
        self.outputs = outputs
        self.metadata = metadata
        self.weightFiles = weightFiles.names
        precision = isQuantized ? .int8 : weights.half > weights.other ? .float16 : .float32
    }

    /// Whether an operation is one of those that only quantized networks have.
    private static func isQuantized(_ bytes: ByteWindow, _ operation: Range<Int>) throws(Refusal) -> Bool {
        var reader = ProtobufReader(bytes, operation)
        guard let type = try reader.first(4), type.content.count <= longestQuantized else { return false }
        return quantized.contains(try bytes.text(type.content))
    }

    private static let longestQuantized = quantized.reduce(0) { max($0, $1.utf8.count) }

    private static let quantized: Set = [
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger", "QLinearMatMul",
        "MatMulInteger",
    ]
}

extension TensorDescription {
    /// Reads a `ValueInfoProto`.
    fileprivate init(_ bytes: ByteWindow, _ range: Range<Int>) throws(ONNXHeader.Refusal) {
        var (code, shape) = (UInt64(0), [Dimension]())
        /// The content of the first field of a number; an empty range where there is none.
        func part(_ number: Int, of range: Range<Int>) throws(ONNXHeader.Refusal) -> Range<Int> {
            var reader = ProtobufReader(bytes, range)
            return try reader.first(number)?.content ?? range.lowerBound..<range.lowerBound
        }
        var tensor = ProtobufReader(bytes, try part(1, of: try part(2, of: range)))
        while let field = try tensor.next() {
            switch field.number {
            case 1: code = field.value
            case 2:
                var dimensions = ProtobufReader(bytes, field.content)
                // One more than the limit, so that it is refused.
                while shape.count <= ModelLimits.rank, let dimension = try dimensions.next() {
                    if dimension.number == 1 { shape.append(try Dimension(bytes, dimension.content)) }
                }
            default: break
            }
        }
        self.init(
            name: try ProtobufReader.text(of: 1, in: bytes, range) ?? "",
            elementType: ElementType(onnx: Int(truncatingIfNeeded: code)), shape: shape
        )
    }
}

extension TensorDescription.Dimension {
    /// Reads a `TensorShapeProto.Dimension`.
    fileprivate init(_ bytes: ByteWindow, _ range: Range<Int>) throws(ONNXHeader.Refusal) {
        var reader = ProtobufReader(bytes, range)
        let value = try reader.first(1).map { Int(truncatingIfNeeded: Int64(bitPattern: $0.value)) } ?? 0
        self = value > 0 ? .fixed(value) : .free(try ProtobufReader.text(of: 2, in: bytes, range) ?? "")
    }
}

extension TensorDescription.ElementType {
    /// The type of a number of `TensorProto.DataType`, which is also that of ONNX Runtime's enumeration.
    package init(onnx code: Int) {
        self =
            switch code {
            case 1: .float32
            case 2: .uint8
            case 3: .int8
            case 6: .int32
            case 7: .int64
            case 9: .bool
            case 10: .float16
            case 11: .float64
            case 16: .bfloat16
            default: .other
            }
    }
}
