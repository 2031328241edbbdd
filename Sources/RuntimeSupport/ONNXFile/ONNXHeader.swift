package import Foundation
package import InstanceSegmentation

/// What an ONNX file says of itself: its inputs and outputs as they are declared, its metadata, and what kind of numbers it holds.
///
/// Source: `onnx.proto` of the ONNX project; field numbers are those there.
package struct ONNXHeader {
    package let inputs: [TensorDescription]
    package let outputs: [TensorDescription]
    /// What exporters write: names, stride, task, ...
    package let metadata: [String: String]
    /// `int8` for a quantised network; otherwise the kind of most of its weights.
    package let precision: InferencePrecision
    /// The files that hold weights, relative to the folder of the model.
    package let weightFiles: Set<String>

    /// Reads a file without taking its weights into memory.
    /// - Returns: `nil` where it cannot be read, or is no ONNX file.
    package init?(contentsOf path: String) {
        guard OrdinaryFile.problem(at: path) == nil,
            let bytes = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        else { return nil }
        self.init(bytes)
    }

    /// - Returns: `nil` where the bytes are no ONNX file.
    package init?(_ bytes: Data) {
        guard let header = try? ONNXHeader(reading: bytes) else { return nil }
        self = header
    }

    /// Why bytes are not taken for a model.
    package enum Refusal: Error, CustomStringConvertible {
        /// They are not an ONNX file, or only a part of one.
        case malformed
        /// More of something than any model has; reading that alone would take more memory than the whole file.
        case tooMany(String, limit: Int)

        package var description: String {
            switch self {
            case .malformed: "is not a valid ONNX model, or it is truncated"
            case .tooMany(let what, let limit): "has more than \(limit) \(what), which are not accepted"
            }
        }
    }

    /// Nothing is kept of what is counted, so that this takes little memory whatever the bytes are.
    package init(reading bytes: Data) throws(Refusal) {
        var graph: Range<Int>?
        var metadata: [String: String] = [:]
        var file = ProtobufReader(bytes)
        while let field = file.next() {
            switch field.number {
            case 7:
                guard graph == nil else { throw .malformed }  // readers would join the two
                graph = field.content
            case 14:
                guard metadata.count < ModelLimits.metadataEntries else {
                    throw .tooMany("entries of metadata", limit: ModelLimits.metadataEntries)
                }
                if let key = ProtobufReader.text(of: 1, in: bytes, field.content) {
                    metadata[key] = ProtobufReader.text(of: 2, in: bytes, field.content) ?? ""
                }
            default: break
            }
        }
        guard file.isIntact, let graph else { throw .malformed }
        var (inputs, outputs) = ([TensorDescription](), [TensorDescription]())
        var constants = Set<String>()
        var weights = (half: 0, other: 0)
        var isQuantized = false
        var weightFiles = Set<String>()
        var (operations, entries) = (0, 0)
        var reader = ProtobufReader(bytes, graph)
        while let field = reader.next() {
            switch field.number {
            case 1:
                operations += 1
                guard operations <= ModelLimits.graphEntries else {
                    throw .tooMany("operations", limit: ModelLimits.graphEntries)
                }
                let type = ProtobufReader.text(of: 4, in: bytes, field.content) ?? ""
                isQuantized = isQuantized || Self.quantized.contains(type)
            case 5:
                guard constants.count < ModelLimits.graphEntries else {
                    throw .tooMany("constants", limit: ModelLimits.graphEntries)
                }
                if let name = ProtobufReader.text(of: 8, in: bytes, field.content) { constants.insert(name) }
                let isHalf = ProtobufReader(bytes, field.content).first { $0.number == 2 }?.value == 10
                if isHalf { weights.half += field.content.count } else { weights.other += field.content.count }
                if let name = Self.weightFile(bytes, field.content) { weightFiles.insert(name) }
            case 11: inputs.append(TensorDescription(bytes, field.content))
            case 12: outputs.append(TensorDescription(bytes, field.content))
            default: entries += 1
            }
            // Old files list their constants among the inputs; what else there is, is a value's type for each operation.
            for (what, count, limit) in [
                ("inputs", inputs.count, ModelLimits.graphEntries), ("outputs", outputs.count, ModelLimits.tensors),
                ("other entries", entries, 4 * ModelLimits.graphEntries),
            ] where count > limit { throw .tooMany(what, limit: limit) }
        }
        guard reader.isIntact, !outputs.isEmpty else { throw .malformed }
        // Old files list their constants among the inputs.
        self.inputs = inputs.filter { !constants.contains($0.name) }
        self.outputs = outputs
        self.metadata = metadata
        self.weightFiles = weightFiles
        precision = isQuantized ? .int8 : weights.half > weights.other ? .float16 : .float32
    }

    /// The file that a constant's numbers are in; `nil` where they are in the model itself.
    private static func weightFile(_ bytes: Data, _ constant: Range<Int>) -> String? {
        for part in ProtobufReader(bytes, constant) where part.number == 13 {
            guard ProtobufReader.text(of: 1, in: bytes, part.content) == "location" else { continue }
            return ProtobufReader.text(of: 2, in: bytes, part.content)
        }
        return nil
    }

    private static let quantized: Set = [
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger", "QLinearMatMul",
        "MatMulInteger",
    ]
}

extension TensorDescription {
    /// Reads a `ValueInfoProto`.
    fileprivate init(_ bytes: Data, _ range: Range<Int>) {
        var (code, shape) = (UInt64(0), [Dimension]())
        /// The content of the first field of a number; an empty range where there is none.
        func part(_ number: Int, of range: Range<Int>) -> Range<Int> {
            ProtobufReader(bytes, range).first { $0.number == number }?.content ?? range.lowerBound..<range.lowerBound
        }
        for field in ProtobufReader(bytes, part(1, of: part(2, of: range))) {
            switch field.number {
            case 1: code = field.value
            case 2:
                for dimension in ProtobufReader(bytes, field.content) where dimension.number == 1 {
                    guard shape.count <= ModelLimits.rank else { break }  // one more, so that it is refused
                    let length = ProtobufReader(bytes, dimension.content).first { $0.number == 1 }
                    let value = length.map { Int(truncatingIfNeeded: Int64(bitPattern: $0.value)) } ?? 0
                    let name = ProtobufReader.text(of: 2, in: bytes, dimension.content) ?? ""
                    shape.append(value > 0 ? .fixed(value) : .free(name))
                }
            default: break
            }
        }
        self.init(
            name: ProtobufReader.text(of: 1, in: bytes, range) ?? "",
            elementType: ElementType(onnx: Int(truncatingIfNeeded: code)), shape: shape
        )
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
