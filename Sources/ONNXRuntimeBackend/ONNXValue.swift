internal import CONNXRuntime
import InstanceSegmentation
import RuntimeSupport

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
        guard let count = Tensor.elementCount(of: shape), count <= ModelLimits.outputElements else {
            throw .unsupportedTensor(
                "An output of the model is too large: its shape is \(Array(shape.prefix(ModelLimits.rank))).")
        }
        var data: UnsafeMutableRawPointer?
        try library.call("GetTensorMutableData") { $0.pointee.GetTensorMutableData(handle, &data) }
        guard count > 0, let data else { return Tensor(shape: shape, elements: []) }

        if type == .float32 {
            let elements = UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: count)
            return Tensor(shape: shape, storage: ONNXStorage(owner: self, elements: elements))
        }
        guard let tensor = Tensor(shape: shape, copying: data, of: type) else {
            throw .unsupportedTensor("An output of the model is not a tensor of numbers.")
        }
        return tensor
    }
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
        return TensorDescription.ElementType(onnx: Int(type))
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
