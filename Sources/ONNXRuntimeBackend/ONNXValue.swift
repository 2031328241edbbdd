internal import CONNXRuntime
import InstanceSegmentation

/// Owns an `OrtValue`: a tensor of the runtime.
///
/// `@unchecked Sendable`: after it is made it is only read.
final class ONNXValue: @unchecked Sendable {
    let handle: OpaquePointer
    private let library: ONNXRuntimeLibrary

    /// A value that `Run` made.
    init(owning handle: OpaquePointer, library: ONNXRuntimeLibrary) {
        self.handle = handle
        self.library = library
    }

    /// A value over memory of ours, which must outlive it. The runtime does not write to inputs.
    init(
        borrowing bytes: UnsafeRawBufferPointer, type: TensorDescription.ElementType, shape: [Int],
        library: ONNXRuntimeLibrary
    ) throws(ONNXRuntimeError) {
        guard let base = bytes.baseAddress else { throw .unsupportedTensor("A tensor has no elements.") }
        let code: Int32 =
            switch type {
            case .float32: 1
            case .uint8: 2
            case .float16: 10
            default: throw .unsupportedTensor("Tensors of type \(type.rawValue) cannot be given to a model.")
            }
        handle = try library.make("CreateTensorWithDataAsOrtValue") { api, out in
            api.pointee.CreateTensorWithDataAsOrtValue(
                library.memoryInfo, UnsafeMutableRawPointer(mutating: base), bytes.count,
                shape.map(Int64.init), shape.count, code, &out)
        }
        self.library = library
    }

    deinit {
        library.release { $0.pointee.ReleaseValue(handle) }
    }

    /// The value as a tensor: 32-bit floats without a copy, other numbers converted.
    func tensor() throws(ONNXRuntimeError) -> Tensor {
        let info = try library.make("GetTensorTypeAndShape") { api, out in
            api.pointee.GetTensorTypeAndShape(handle, &out)
        }
        defer { library.release { $0.pointee.ReleaseTensorTypeAndShapeInfo(info) } }
        let type = try library.elementType(info)
        let shape = try library.dimensions(info)
        let count = shape.reduce(1, *)
        var data: UnsafeMutableRawPointer?
        try library.call("GetTensorMutableData") { $0.pointee.GetTensorMutableData(handle, &data) }
        guard count > 0, let data else { return Tensor(shape: shape, elements: []) }

        func converted<Element>(_: Element.Type, _ convert: (Element) -> Float) -> Tensor {
            let values = UnsafeBufferPointer(start: data.assumingMemoryBound(to: Element.self), count: count)
            return Tensor(shape: shape, elements: values.map(convert))
        }
        switch type {
        case .float32:
            let elements = UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: count)
            return Tensor(shape: shape, storage: ONNXStorage(owner: self, elements: elements))
        case .float64: return converted(Double.self) { Float($0) }
        case .uint8: return converted(UInt8.self) { Float($0) }
        case .int8: return converted(Int8.self) { Float($0) }
        case .int32: return converted(Int32.self) { Float($0) }
        case .int64: return converted(Int64.self) { Float($0) }
        case .bool: return converted(UInt8.self) { $0 == 0 ? 0 : 1 }
        case .bfloat16: return converted(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .float16: return converted(UInt16.self, float(fromHalf:))
        case .other: throw .unsupportedTensor("An output of the model is not a tensor of numbers.")
        }
    }
}

/// The number of IEEE 754 half precision with those bits (Swift's `Float16` does not exist on every platform).
func float(fromHalf bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}

/// The bits of a number in IEEE 754 half precision, rounded to the nearest, halves to even.
func half(fromFloat value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(bits >> 16 & 0x8000)
    let exponent = Int(bits >> 23 & 0xFF) - 127
    let fraction = bits & 0x7F_FFFF
    switch exponent {
    case 128: return sign | 0x7C00 | (fraction == 0 ? 0 : 0x200)  // infinity, or no number
    case 16...: return sign | 0x7C00
    case -14...15:
        // A carry out of the fraction goes into the exponent, where it belongs.
        let kept = UInt32(exponent + 15) << 10 | fraction >> 13
        return sign | UInt16(kept + roundUp(fraction & 0x1FFF, half: 0x1000, isOdd: kept & 1 == 1))
    case -25 ... -15:  // subnormal
        let shift = UInt32(-exponent - 1)
        let whole = fraction | 0x80_0000
        let kept = whole >> shift
        return sign | UInt16(kept + roundUp(whole & (1 << shift - 1), half: 1 << (shift - 1), isOdd: kept & 1 == 1))
    default: return sign
    }
}

private func roundUp(_ rest: UInt32, half: UInt32, isOdd: Bool) -> UInt32 {
    rest > half || (rest == half && isOdd) ? 1 : 0
}

/// Elements inside an `OrtValue`, kept alive with it.
///
/// `@unchecked Sendable`: the memory is only read.
private struct ONNXStorage: TensorStorage, @unchecked Sendable {
    let owner: ONNXValue
    let elements: UnsafeBufferPointer<Float>
    var count: Int { elements.count }

    func withElements<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(owner) { try body(elements) }
    }
}

extension ONNXRuntimeLibrary {
    func elementType(_ info: OpaquePointer) throws(ONNXRuntimeError) -> TensorDescription.ElementType {
        var type: Int32 = 0
        try call("GetTensorElementType") { $0.pointee.GetTensorElementType(info, &type) }
        return switch type {
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

    /// Lengths of the dimensions; free ones are -1.
    func dimensions(_ info: OpaquePointer) throws(ONNXRuntimeError) -> [Int] {
        var rank = 0
        try call("GetDimensionsCount") { $0.pointee.GetDimensionsCount(info, &rank) }
        var lengths = [Int64](repeating: 0, count: rank)
        try call("GetDimensions") { $0.pointee.GetDimensions(info, &lengths, rank) }
        return lengths.map(Int.init)
    }
}
