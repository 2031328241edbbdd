internal import CONNXRuntime
import Foundation
import InstanceSegmentation
import RuntimeSupport

/// Owns a C session: a loaded network with its weights.
///
/// `@unchecked Sendable`: the pointer is set once, and `Run` on one session may be called by several threads at once.
/// That holds for the CPU execution provider, the only one that is used: other providers may require that one thread at
/// a time calls `Run` on a session, and then need a lock here or a `SessionPool` with a session for each run.
final class ONNXSession: @unchecked Sendable {
    let description: ModelDescription
    private let library: ONNXRuntimeLibrary
    private let session: OpaquePointer

    convenience init(library: ONNXRuntimeLibrary, file: ModelFile, options: SessionOptions) throws {
        if let refusal = file.refusal { throw refusal }
        let session = try options.withHandle(library) { (handle) throws(ONNXRuntimeError) in
            if let bytes = file.prunedGraph {
                do throws(ONNXRuntimeError) { return try library.session(bytes: bytes, options: handle) } catch {
                    throw .opening(file.path, threw: error)
                }
            }
            return try library.session(path: file.path, options: handle)
        }
        try self.init(library: library, owning: session, heads: file.heads, precision: file.precision)
    }

    convenience init(library: ONNXRuntimeLibrary, bytes: [UInt8], options: SessionOptions) throws(ONNXRuntimeError) {
        let session = try options.withHandle(library) { (handle) throws(ONNXRuntimeError) in
            try library.session(bytes: Data(bytes), options: handle)
        }
        try self.init(library: library, owning: session)
    }

    private init(
        library: ONNXRuntimeLibrary, owning session: OpaquePointer, heads: RawHeads? = nil,
        precision: InferencePrecision = .float32
    ) throws(ONNXRuntimeError) {
        self.library = library
        do throws(ONNXRuntimeError) {
            var description = try ModelDescription(session: session, library: library)
            description.heads = heads
            description.precision = precision
            self.description = description
        } catch {
            library.release { $0.pointee.ReleaseSession(session) }
            throw error
        }
        self.session = session
    }

    deinit {
        library.release { $0.pointee.ReleaseSession(session) }
    }

    /// Runs the network. Blocks the calling thread. A run that is asked to end early (`RunInterruption.current`) does so after the
    /// operators that it executes at the moment.
    /// - Parameter options: the runtime's, for this run.
    /// - Throws: `ONNXRuntimeError`; `CancellationError` if the run was asked to end.
    func run(_ inputs: [String: Tensor], options: OpaquePointer? = nil) throws -> [String: Tensor] {
        let ordered = try description.inputs.map { input -> (tensor: Tensor, type: TensorDescription.ElementType) in
            guard let tensor = inputs[input.name] else {
                throw ONNXRuntimeError.unsupportedTensor("The model's input '\(input.name)' was not given.")
            }
            return (tensor, input.elementType)
        }
        let outputs = try interruptible(options) { options in try run(ordered[...], values: [], options) }
        var result: [String: Tensor] = [:]
        // An optional output that the network did not compute is missing; the others keep their names.
        for (output, value) in zip(description.outputs, outputs) { result[output.name] = try value?.tensor() }
        return result
    }

    /// Calls a function with options by which the run that it makes can be ended.
    private func interruptible<Result>(
        _ options: OpaquePointer?, _ body: (OpaquePointer?) throws -> Result
    ) throws -> Result {
        guard options == nil, let interruption = RunInterruption.current else { return try body(options) }
        let options = try RunOptions(library: library)
        do {
            return try interruption.during({ try body(options.handle) }, orEndBy: { options.terminate() })
        } catch {
            throw interruption.isRequested ? CancellationError() : error
        }
    }

    /// Borrows the memory of one tensor after the other and runs when all are at hand.
    private func run(
        _ tensors: ArraySlice<(tensor: Tensor, type: TensorDescription.ElementType)>, values: [ONNXValue],
        _ options: OpaquePointer?
    ) throws -> [ONNXValue?] {
        guard let (tensor, type) = tensors.first else { return try run(values, options) }
        func go(_ bytes: UnsafeRawBufferPointer) throws -> [ONNXValue?] {
            let value = try ONNXValue(borrowing: bytes, type: type, shape: tensor.shape, library: library)
            return try run(tensors.dropFirst(), values: values + [value], options)
        }
        guard let values = try tensor.withBytes(as: type, go) else {
            throw ONNXRuntimeError.unsupportedTensor(
                "A model's input is of type \(type.rawValue), which cannot be given.")
        }
        return values
    }

    /// The outputs in the order of the description.
    private func run(_ inputs: [ONNXValue], _ options: OpaquePointer?) throws(ONNXRuntimeError) -> [ONNXValue?] {
        let inputNames = description.inputs.map(\.name)
        let outputNames = description.outputs.map(\.name)
        var outputs = [OpaquePointer?](repeating: nil, count: outputNames.count)
        try library.call("Run") { api in
            withCStrings(inputNames) { inputNames in
                withCStrings(outputNames) { outputNames in
                    api.pointee.Run(
                        session, options, inputNames, inputs.map(\.handle), inputNames.count, outputNames,
                        outputNames.count, &outputs)
                }
            }
        }
        return outputs.map { $0.map { ONNXValue(owning: $0, library: library) } }
    }
}

/// Calls a function with C strings, valid until it returns.
private func withCStrings<Result>(_ strings: [String], _ body: ([UnsafePointer<CChar>]) -> Result) -> Result {
    let buffers = strings.map { string in
        let bytes = string.utf8CString
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        buffer.initialize(from: Array(bytes), count: bytes.count)
        return buffer
    }
    defer { buffers.forEach { $0.deallocate() } }
    return body(buffers.map { UnsafePointer($0) })
}

extension ModelDescription {
    /// Reads what the file of a session says.
    fileprivate init(session: OpaquePointer, library: ONNXRuntimeLibrary) throws(ONNXRuntimeError) {
        var (inputCount, outputCount) = (0, 0)
        try library.call("SessionGetInputCount") { $0.pointee.SessionGetInputCount(session, &inputCount) }
        try library.call("SessionGetOutputCount") { $0.pointee.SessionGetOutputCount(session, &outputCount) }
        var inputs: [TensorDescription] = []
        for i in 0..<inputCount {
            let name = try library.string("SessionGetInputName") { api, allocator, out in
                api.pointee.SessionGetInputName(session, i, allocator, &out)
            }
            let info = try library.make("SessionGetInputTypeInfo") { api, out in
                api.pointee.SessionGetInputTypeInfo(session, i, &out)
            }
            inputs.append(try TensorDescription(name: name ?? "", consuming: info, library: library))
        }
        var outputs: [TensorDescription] = []
        for i in 0..<outputCount {
            let name = try library.string("SessionGetOutputName") { api, allocator, out in
                api.pointee.SessionGetOutputName(session, i, allocator, &out)
            }
            let info = try library.make("SessionGetOutputTypeInfo") { api, out in
                api.pointee.SessionGetOutputTypeInfo(session, i, &out)
            }
            outputs.append(try TensorDescription(name: name ?? "", consuming: info, library: library))
        }
        let handle = try library.make("SessionGetModelMetadata") { api, out in
            api.pointee.SessionGetModelMetadata(session, &out)
        }
        defer { library.release { $0.pointee.ReleaseModelMetadata(handle) } }
        var metadata: [String: String] = [:]
        for key in try library.metadataKeys(handle) {
            metadata[key] = try library.string("ModelMetadataLookupCustomMetadataMap") { api, allocator, out in
                api.pointee.ModelMetadataLookupCustomMetadataMap(handle, allocator, key, &out)
            }
        }
        self.init(inputs: inputs, outputs: outputs, metadata: metadata)
    }
}

extension TensorDescription {
    /// Reads a type and releases it.
    fileprivate init(
        name: String, consuming typeInfo: OpaquePointer, library: ONNXRuntimeLibrary
    ) throws(ONNXRuntimeError) {
        defer { library.release { $0.pointee.ReleaseTypeInfo(typeInfo) } }
        var info: OpaquePointer?
        try library.call("CastTypeInfoToTensorInfo") { $0.pointee.CastTypeInfoToTensorInfo(typeInfo, &info) }
        guard let info else {  // a sequence or a map
            self.init(name: name, elementType: .other, shape: [])
            return
        }
        let type = try library.elementType(info)
        let lengths = try library.dimensions(info)
        var symbols = [UnsafePointer<CChar>?](repeating: nil, count: lengths.count)
        try library.call("GetSymbolicDimensions") { $0.pointee.GetSymbolicDimensions(info, &symbols, lengths.count) }
        let shape = zip(lengths, symbols).map { length, symbol in
            length > 0 ? Dimension.fixed(length) : .free(symbol.map { String(cString: $0) } ?? "")
        }
        self.init(name: name, elementType: type, shape: shape)
    }
}
