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

    private let bytes: ByteWindow
    package let nodes: [Node]
    private let initializers: [Initializer]
    /// The names of what the graph answers.
    package let outputs: [String]
    private let nodeOfOutput: [String: Int]
    private let layout: Layout

    /// Where the parts of the file lie that are kept when it is written with other outputs.
    private struct Layout {
        /// Fields of the file other than the graph.
        var file: [Range<Int>] = []
        /// Fields of the graph other than operations, constants and outputs.
        var graph: [Range<Int>] = []
        /// An operation each.
        var nodes: [Range<Int>] = []
        /// A constant each.
        var initializers: [Range<Int>] = []
    }

    /// Reads the operations of a graph, without its weights.
    ///
    /// - Returns: `nil` if the bytes are not an ONNX file, or if the graph cannot be pruned: it contains subgraphs or
    ///   functions, its weights are in other files, or it exceeds `ModelLimits`.
    package init?(reading source: any ByteSource) {
        guard let graph = try? ONNXGraph(ByteWindow(source)) else { return nil }
        self = graph
    }

    init?(_ bytes: ByteWindow) throws(ONNXHeader.Refusal) {
        var graph: Range<Int>?
        var layout = Layout()
        var file = ProtobufReader(bytes)
        while let field = try file.next() {
            switch field.number {
            case 7:
                guard graph == nil else { return nil }
                graph = field.content
            case 25: return nil
            default: layout.file.append(joining: field.whole)
            }
        }
        guard file.isIntact, let graph else { return nil }
        var nodes: [Node] = []
        var initializers: [Initializer] = []
        var outputs: [String] = []
        var reader = ProtobufReader(bytes, graph)
        while let field = try reader.next() {
            guard nodes.count < ModelLimits.graphEntries, initializers.count < ModelLimits.graphEntries,
                outputs.count <= ModelLimits.tensors
            else { return nil }
            switch field.number {
            case 1:
                guard let node = try Node(bytes, field) else { return nil }
                nodes.append(node)
                layout.nodes.append(field.whole)
            case 5:
                guard let initializer = try Initializer(bytes, field) else { return nil }
                initializers.append(initializer)
                layout.initializers.append(field.whole)
            case 12:
                guard let name = try ProtobufReader.text(of: 1, in: bytes, field.content) else { return nil }
                outputs.append(name)
            case 15: return nil
            default: layout.graph.append(joining: field.whole)
            }
        }
        guard reader.isIntact, !outputs.isEmpty else { return nil }
        self.bytes = bytes
        self.nodes = nodes
        self.initializers = initializers
        self.outputs = outputs
        self.layout = layout
        nodeOfOutput = Dictionary(
            nodes.enumerated().flatMap { index, node in node.outputs.map { ($0, index) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// The operation that makes a tensor; `nil` where it is an input or a constant.
    package func node(making tensor: String) -> Node? { nodeOfOutput[tensor].map { nodes[$0] } }

    /// The numbers of a constant of floats; `nil` where there is none of that name, or where it cannot be read.
    func floats(_ name: String) -> [Float]? {
        guard let constant = initializers.first(where: { $0.name == name }) else { return nil }
        return try? constant.floats(bytes)
    }

    /// The file with other outputs, without the operations and constants that these do not need. Only what is kept is read, into memory
    /// that goes back to the system when it is released.
    /// - Returns: `nil` where the file cannot be read any more.
    package func file(answering wanted: [String]) -> Data? {
        var needed = Set<Int>()
        var open = wanted
        while let tensor = open.popLast() {
            guard let index = nodeOfOutput[tensor], needed.insert(index).inserted else { continue }
            open += nodes[index].inputs
        }
        var used = Set(wanted)
        for index in needed { used.formUnion(nodes[index].inputs) }

        var graph = layout.graph
        for index in nodes.indices where needed.contains(index) { graph.append(joining: layout.nodes[index]) }
        for (constant, range) in zip(initializers, layout.initializers) where used.contains(constant.name) {
            graph.append(joining: range)
        }
        var outputs = Data()
        for name in wanted {
            // A name alone: the runtime infers type and shape.
            var output = Data()
            ProtobufWriter.append(field: 1, Data(name.utf8), to: &output)
            ProtobufWriter.append(field: 12, output, to: &outputs)
        }
        var head = Data()
        ProtobufWriter.append(field: 7, length: graph.reduce(outputs.count) { $0 + $1.count }, to: &head)
        return Data(
            joining: layout.file.map(Piece.source) + [.bytes(head)] + graph.map(Piece.source) + [.bytes(outputs)],
            of: bytes.source)
    }
}

extension ONNXGraph.Initializer {
    fileprivate init?(_ bytes: ByteWindow, _ field: ProtobufReader.Field) throws(ONNXHeader.Refusal) {
        var name: String?
        var reader = ProtobufReader(bytes, field.content)
        while let part = try reader.next() {
            switch part.number {
            case 8: name = try bytes.text(part.content)
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
    fileprivate func floats(_ bytes: ByteWindow) throws(ONNXHeader.Refusal) -> [Float]? {
        guard range.count <= Self.largest else { return nil }
        var (type, raw, listed) = (UInt64(0), Range<Int>?.none, [Float]())
        var reader = ProtobufReader(bytes, range)
        while let part = try reader.next() {
            switch part.number {
            case 2: type = part.value
            case 4 where part.content.isEmpty: listed.append(Float(bitPattern: UInt32(truncatingIfNeeded: part.value)))
            case 4: raw = part.content
            case 9: raw = part.content
            default: break
            }
        }
        guard let raw else { return listed.isEmpty ? nil : listed }
        guard type == 1 || type == 10 else { return nil }
        let numbers = try bytes.numbers(raw)
        func number(_ at: Int, _ length: Int) -> UInt32 {
            (0..<length).reduce(0) { $0 | UInt32(numbers[at + $1]) << UInt32(8 * $1) }
        }
        if type == 1 {
            return stride(from: 0, to: numbers.count - 3, by: 4).map { Float(bitPattern: number($0, 4)) }
        }
        return stride(from: 0, to: numbers.count - 1, by: 2).map {
            float(fromHalf: UInt16(truncatingIfNeeded: number($0, 2)))
        }
    }
}

extension [Range<Int>] {
    /// Adds a range, as a part of the last one where it follows on it.
    fileprivate mutating func append(joining range: Range<Int>) {
        if let last, last.upperBound == range.lowerBound {
            self[count - 1] = last.lowerBound..<range.upperBound
        } else {
            append(range)
        }
    }
}
