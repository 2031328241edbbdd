import InstanceSegmentation

extension ONNXGraph.Node {
    /// Most inputs, outputs, attributes, and numbers of an attribute: a graph in which a node has more is kept as it is.
    private static let most = 4096

    init?(_ bytes: ByteWindow, _ field: ProtobufReader.Field) throws(ONNXHeader.Refusal) {
        var (type, inputs, outputs, numbers) = ("", [String](), [String](), [String: [Int]]())
        var reader = ProtobufReader(bytes, field.content)
        while let part = try reader.next() {
            guard inputs.count <= Self.most, outputs.count <= Self.most, numbers.count <= Self.most else { return nil }
            switch part.number {
            case 1: inputs.append(try bytes.text(part.content))
            case 2: outputs.append(try bytes.text(part.content))
            case 4: type = try bytes.text(part.content)
            case 5:
                guard let (name, values) = try Self.attribute(bytes, part.content) else { return nil }
                if !values.isEmpty { numbers[name] = values }
            default: break
            }
        }
        guard reader.isIntact else { return nil }
        self.init(type: type, inputs: inputs, outputs: outputs, numbers: numbers)
    }

    /// An attribute's whole numbers; `nil` for a graph inside a graph, and for numbers in another file.
    private static func attribute(
        _ bytes: ByteWindow, _ range: Range<Int>
    ) throws(ONNXHeader.Refusal) -> (name: String, values: [Int])? {
        var (name, values) = ("", [Int]())
        var attribute = ProtobufReader(bytes, range)
        while let value = try attribute.next() {
            guard values.count <= most else { return nil }
            switch value.number {
            case 1: name = try bytes.text(value.content)
            case 3: values.append(Int(truncatingIfNeeded: Int64(bitPattern: value.value)))
            case 5, 10:
                var tensor = ProtobufReader(bytes, value.content)
                while let part = try tensor.next() {
                    if part.number == 14, part.value == 1 { return nil }
                }
            case 6, 11, 22, 23: return nil  // graphs inside, sparse tensors
            case 8 where value.content.isEmpty:
                values.append(Int(truncatingIfNeeded: Int64(bitPattern: value.value)))
            case 8:
                var packed = ProtobufReader(bytes, value.content)
                while values.count <= most, let number = try packed.varint() {
                    try bytes.countField()
                    values.append(Int(truncatingIfNeeded: Int64(bitPattern: number)))
                }
            default: break
            }
        }
        return attribute.isIntact ? (name, values) : nil
    }
}
