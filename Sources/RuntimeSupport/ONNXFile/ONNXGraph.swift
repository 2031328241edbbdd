package import Foundation
import InstanceSegmentation

/// As much of an ONNX file as it takes to leave out the end of its graph. What is not understood is kept as it is.
///
/// Source: `onnx.proto` of the ONNX project; field numbers are those there.
package struct ONNXGraph {
    /// An operation.
    package struct Node {
        package let type: String
        package let inputs: [String]
        package let outputs: [String]
        /// Attributes that are whole numbers, or lists of them.
        package let numbers: [String: [Int]]

        /// The first input; empty where there is none.
        var input: String { inputs.first ?? "" }
    }

    /// A constant.
    fileprivate struct Initializer {
        let name: String
        let range: Range<Int>
    }

    private let bytes: Data
    /// The graph's message.
    private let range: Range<Int>
    package let nodes: [Node]
    private let initializers: [Initializer]
    /// The names of what the graph answers.
    package let outputs: [String]
    private let nodeOfOutput: [String: Int]

    /// - Returns: `nil` where the bytes are no ONNX file, or one with what cannot be left out in parts: graphs inside graphs, functions,
    ///   weights in other files, more than `ModelLimits` allow.
    package init?(_ bytes: Data) {
        var graph: Range<Int>?
        var file = ProtobufReader(bytes)
        while let field = file.next() {
            switch field.number {
            case 7:
                guard graph == nil else { return nil }
                graph = field.content
            case 25: return nil
            default: break
            }
        }
        guard file.isIntact, let graph else { return nil }
        var nodes: [Node] = []
        var initializers: [Initializer] = []
        var outputs: [String] = []
        var reader = ProtobufReader(bytes, graph)
        while let field = reader.next() {
            guard nodes.count < ModelLimits.graphEntries, initializers.count < ModelLimits.graphEntries,
                outputs.count <= ModelLimits.tensors
            else { return nil }
            switch field.number {
            case 1:
                guard let node = Node(bytes, field) else { return nil }
                nodes.append(node)
            case 5:
                guard let initializer = Initializer(bytes, field) else { return nil }
                initializers.append(initializer)
            case 12:
                guard let name = ProtobufReader.text(of: 1, in: bytes, field.content) else { return nil }
                outputs.append(name)
            case 15: return nil
            default: break
            }
        }
        guard reader.isIntact, !outputs.isEmpty else { return nil }
        self.bytes = bytes
        range = graph
        self.nodes = nodes
        self.initializers = initializers
        self.outputs = outputs
        nodeOfOutput = Dictionary(
            nodes.enumerated().flatMap { index, node in node.outputs.map { ($0, index) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The operation that makes a tensor; `nil` where it is an input or a constant.
    package func node(making tensor: String) -> Node? { nodeOfOutput[tensor].map { nodes[$0] } }

    /// The numbers of a constant of floats; `nil` where there is none of that name.
    func floats(_ name: String) -> [Float]? {
        initializers.first { $0.name == name }?.floats(bytes)
    }

    /// The file with other outputs, without the operations and constants that these do not need.
    package func file(answering wanted: [String]) -> Data {
        var needed = Set<Int>()
        var open = wanted
        while let tensor = open.popLast() {
            guard let index = nodeOfOutput[tensor], needed.insert(index).inserted else { continue }
            open += nodes[index].inputs
        }
        var used = Set(wanted)
        for index in needed { used.formUnion(nodes[index].inputs) }

        var graph = Data()
        var index = 0
        var constants = initializers[...]
        for field in ProtobufReader(bytes, range) {
            switch field.number {
            case 1:
                if needed.contains(index) { graph.append(bytes[field.whole]) }
                index += 1
            case 5:
                if let constant = constants.popFirst(), used.contains(constant.name) {
                    graph.append(bytes[field.whole])
                }
            case 12: break
            default: graph.append(bytes[field.whole])
            }
        }
        for name in wanted {
            // A name alone: the runtime infers type and shape.
            var output = Data()
            ProtobufWriter.append(field: 1, Data(name.utf8), to: &output)
            ProtobufWriter.append(field: 12, output, to: &graph)
        }
        var file = Data()
        for field in ProtobufReader(bytes) where field.number != 7 { file.append(bytes[field.whole]) }
        ProtobufWriter.append(field: 7, graph, to: &file)
        return file
    }
}

extension ONNXGraph.Node {
    /// Most inputs, outputs, attributes, and numbers of an attribute: a graph in which a node has more is kept as it is.
    private static let most = 4096

    fileprivate init?(_ bytes: Data, _ field: ProtobufReader.Field) {
        var (type, inputs, outputs, numbers) = ("", [String](), [String](), [String: [Int]]())
        var reader = ProtobufReader(bytes, field.content)
        while let part = reader.next() {
            guard inputs.count <= Self.most, outputs.count <= Self.most, numbers.count <= Self.most else { return nil }
            switch part.number {
            case 1: inputs.append(String(decoding: bytes[part.content], as: UTF8.self))
            case 2: outputs.append(String(decoding: bytes[part.content], as: UTF8.self))
            case 4: type = String(decoding: bytes[part.content], as: UTF8.self)
            case 5:
                var (name, values) = ("", [Int]())
                var attribute = ProtobufReader(bytes, part.content)
                while let value = attribute.next() {
                    guard values.count <= Self.most else { return nil }
                    switch value.number {
                    case 1: name = String(decoding: bytes[value.content], as: UTF8.self)
                    case 3: values.append(Int(truncatingIfNeeded: Int64(bitPattern: value.value)))
                    case 6, 11: return nil  // a graph inside
                    case 8 where value.content.isEmpty:
                        values.append(Int(truncatingIfNeeded: Int64(bitPattern: value.value)))
                    case 8:
                        var packed = ProtobufReader(bytes, value.content)
                        while values.count <= Self.most, let number = packed.varint() {
                            values.append(Int(truncatingIfNeeded: Int64(bitPattern: number)))
                        }
                    default: break
                    }
                }
                guard attribute.isIntact else { return nil }
                if !values.isEmpty { numbers[name] = values }
            default: break
            }
        }
        guard reader.isIntact else { return nil }
        self.init(type: type, inputs: inputs, outputs: outputs, numbers: numbers)
    }
}

extension ONNXGraph.Initializer {
    fileprivate init?(_ bytes: Data, _ field: ProtobufReader.Field) {
        var name: String?
        var reader = ProtobufReader(bytes, field.content)
        while let part = reader.next() {
            switch part.number {
            case 8: name = String(decoding: bytes[part.content], as: UTF8.self)
            case 14 where part.value == 1: return nil  // its numbers are in another file
            default: break
            }
        }
        guard reader.isIntact, let name else { return nil }
        self.init(name: name, range: field.content)
    }

    /// Largest constant whose numbers are looked at, in bytes.
    private static let largest = 16 << 20

    /// The numbers of a constant of 32-bit or 16-bit floats; `nil` for a large one, which is not one of those that are looked for.
    fileprivate func floats(_ bytes: Data) -> [Float]? {
        guard range.count <= Self.largest else { return nil }
        var (type, raw, listed) = (UInt64(0), Range<Int>?.none, [Float]())
        for part in ProtobufReader(bytes, range) {
            switch part.number {
            case 2: type = part.value
            case 4 where part.content.isEmpty: listed.append(Float(bitPattern: UInt32(truncatingIfNeeded: part.value)))
            case 4: raw = part.content
            case 9: raw = part.content
            default: break
            }
        }
        guard let raw else { return listed.isEmpty ? nil : listed }
        func number(_ at: Int, _ length: Int) -> UInt32 {
            (0..<length).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
        }
        switch type {
        case 1:
            return stride(from: raw.lowerBound, to: raw.upperBound - 3, by: 4).map { Float(bitPattern: number($0, 4)) }
        case 10:
            return stride(from: raw.lowerBound, to: raw.upperBound - 1, by: 2).map {
                float(fromHalf: UInt16(truncatingIfNeeded: number($0, 2)))
            }
        default: return nil
        }
    }
}

extension ProtobufReader {
    /// The text of the first field of a number.
    static func text(of number: Int, in bytes: Data, _ range: Range<Int>) -> String? {
        ProtobufReader(bytes, range).first { $0.number == number }.map {
            String(decoding: bytes[$0.content], as: UTF8.self)
        }
    }
}
