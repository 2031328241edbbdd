import Foundation

@testable import RuntimeSupport

/// Model files written field by field, for what no exporter writes.
protocol HandmadeModels {}

extension HandmadeModels {
    func field(_ number: Int, _ content: Data) -> Data {
        var bytes = Data()
        ProtobufWriter.append(field: number, content, to: &bytes)
        return bytes
    }

    func field(_ number: Int, _ text: String) -> Data { field(number, Data(text.utf8)) }

    func field(_ number: Int, _ value: Int) -> Data {
        var bytes = Data()
        ProtobufWriter.append(UInt64(number) << 3, to: &bytes)
        ProtobufWriter.append(UInt64(bitPattern: Int64(value)), to: &bytes)
        return bytes
    }

    /// A `ValueInfoProto` of 32-bit floats.
    func value(_ name: String, _ shape: [Int]) -> Data {
        let dimensions = shape.reduce(Data()) { $0 + field(1, field(1, $1)) }
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, dimensions)))
    }

    /// A `TensorProto` of 32-bit floats.
    func constant(_ name: String, _ shape: [Int], _ numbers: [Float]) -> Data {
        let raw = numbers.reduce(into: Data()) { data, number in
            withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
        }
        return shape.reduce(Data()) { $0 + field(1, $1) } + field(2, 1) + field(8, name) + field(9, raw)
    }

    func identity(_ name: String) -> Data {
        field(1, field(1, name + "_c") + field(2, name) + field(3, name + "_n") + field(4, "Identity"))
    }

    /// A network in YOLOv8's layout whose outputs are constants: one object.
    func graph(input: [Int], confidence: Float = 0.9) -> Data {
        let columns: [Float] = [32, 32, 40, 40, confidence, 0.1, 1]
        return identity("output0") + identity("output1") + field(2, "g")
            + field(5, constant("output0_c", [1, 7, 1], columns))
            + field(5, constant("output1_c", [1, 1, 16, 16], [Float](repeating: 1, count: 256)))
            + field(11, value("images", input)) + field(12, value("output0", [1, 7, 1]))
            + field(12, value("output1", [1, 1, 16, 16]))
    }

    func file(_ graph: Data, names: String = "['a', 'b']") -> Data {
        field(1, 8) + field(8, field(2, 13)) + field(7, graph) + field(14, field(1, "names") + field(2, names))
    }
}
