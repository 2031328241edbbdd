internal import COpenVINO
import InstanceSegmentation
import RuntimeSupport
import Synchronization

/// Owns a compiled network and its infer requests.
///
/// `@unchecked Sendable`: the pointer is set once; requests may be made and run by several threads at once.
final class OpenVINOSession: @unchecked Sendable {
    let description: ModelDescription
    fileprivate let library: OpenVINOLibrary
    private let compiled: OpaquePointer
    /// Idle infer requests; each holds the memory of a run.
    private let idle = Mutex<[Request]>([])

    init(
        library: OpenVINOLibrary, path: String, precision: InferencePrecision, streams: Int, threads: Int
    ) throws {
        let header = try ONNXHeader(openVINOModelAt: path)
        (description, compiled) = try library.withModel(at: path) { (model) throws(OpenVINOError) in
            var description = try ModelDescription(header, model: model, library: library)
            description.precision = precision
            return (
                description,
                try library.compile(model, precision: precision, streams: streams, threads: threads)
            )
        }
        self.library = library
    }

    deinit {
        idle.withLock { $0.removeAll() }
        library.release { $0.pointee.ov_compiled_model_free(compiled) }
    }

    /// Runs the network. Blocks the calling thread. A run that is asked to end early (`RunInterruption.current`) does so after the
    /// operator that it executes at the moment.
    /// - Throws: `OpenVINOError`; `CancellationError` if the run was asked to end.
    func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
        let request = try idle.withLock { $0.popLast() } ?? Request(library, compiled)
        let loan = Loan(request: request, session: self)
        let ordered = try description.inputs.enumerated().map { index, input in
            guard let tensor = inputs[input.name] else {
                throw OpenVINOError.unsupportedTensor("The model's input '\(input.name)' was not given.")
            }
            return (index: index, tensor: tensor, type: input.elementType)
        }
        try run(loan, ordered[...])
        var result: [String: Tensor] = [:]
        for (index, output) in description.outputs.enumerated() { result[output.name] = try loan.output(index) }
        return result
    }

    /// Borrows the memory of one tensor after the other and runs when all are at hand.
    private func run(
        _ loan: Loan, _ tensors: ArraySlice<(index: Int, tensor: Tensor, type: TensorDescription.ElementType)>
    ) throws {
        guard let (index, tensor, type) = tensors.first else {
            return try loan.request.run()
        }
        let isGiven: Void? = try tensor.withBytes(as: type) { bytes in
            guard let base = bytes.baseAddress, let code = type.openVINO else {
                throw OpenVINOError.unsupportedTensor("A tensor has no elements.")
            }
            var lengths = tensor.shape.map(Int64.init)
            let borrowed = try library.make("ov_tensor_create_from_host_ptr") { table, out in
                lengths.withUnsafeMutableBufferPointer { lengths in
                    table.pointee.ov_tensor_create_from_host_ptr(
                        code, ov_shape_t(rank: Int64(lengths.count), dims: lengths.baseAddress),
                        UnsafeMutableRawPointer(mutating: base), &out)
                }
            }
            defer { library.release { $0.pointee.ov_tensor_free(borrowed) } }
            // The request keeps hold of the tensor, but only reads it while it runs, which is before the next is set.
            try library.call("ov_infer_request_set_input_tensor_by_index") {
                $0.pointee.ov_infer_request_set_input_tensor_by_index(loan.request.handle, index, borrowed)
            }
            try run(loan, tensors.dropFirst())
        }
        guard isGiven != nil else {
            throw OpenVINOError.unsupportedTensor(
                "A model's input is of type \(type.rawValue), which cannot be given.")
        }
    }

    /// Frees the memory of idle infer requests.
    func releaseMemory() {
        idle.withLock { $0.removeAll() }
    }

    fileprivate func giveBack(_ request: Request) {
        idle.withLock { $0.append(request) }
    }
}

/// Owns an infer request. Its outputs lie in memory that its next run writes to.
///
/// `@unchecked Sendable`: one loan at a time has it, and only `cancel` is called by other threads, which the library allows.
private final class Request: @unchecked Sendable {
    let handle: OpaquePointer
    private let library: OpenVINOLibrary

    init(_ library: OpenVINOLibrary, _ compiled: OpaquePointer) throws(OpenVINOError) {
        handle = try library.make("ov_compiled_model_create_infer_request") {
            $0.pointee.ov_compiled_model_create_infer_request(compiled, &$1)
        }
        self.library = library
    }

    deinit {
        library.release { $0.pointee.ov_infer_request_free(handle) }
    }

    /// Computes the outputs of the inputs that are set.
    func run() throws {
        func infer() throws(OpenVINOError) {
            try library.call("ov_infer_request_infer") { $0.pointee.ov_infer_request_infer(handle) }
        }
        guard let interruption = RunInterruption.current else { return try infer() }
        guard !interruption.isRequested else { throw CancellationError() }
        do {
            try interruption.during(infer) { [self] in cancel() }
        } catch {
            throw interruption.isRequested ? CancellationError() : error
        }
    }

    /// Makes a run end with an error; callable from any thread. A run that OpenVINO has not started yet is not
    /// affected, and completes.
    private func cancel() {
        // It fails where no run is active, and there is nothing to end then.
        library.release { _ = $0.pointee.ov_infer_request_cancel(handle) }
    }
}

/// A loan of an infer request, which lasts until the last tensor of its run is released.
private final class Loan: Sendable {
    let request: Request
    private let session: OpenVINOSession

    init(request: Request, session: OpenVINOSession) {
        self.request = request
        self.session = session
    }

    deinit {
        session.giveBack(request)
    }

    /// An output of the run: 32-bit floats without a copy, other numbers converted.
    func output(_ index: Int) throws(OpenVINOError) -> Tensor {
        let library = session.library
        let handle = try library.make("ov_infer_request_get_output_tensor_by_index") {
            $0.pointee.ov_infer_request_get_output_tensor_by_index(request.handle, index, &$1)
        }
        defer { library.release { $0.pointee.ov_tensor_free(handle) } }  // the request still has it
        var shape = ov_shape_t()
        try library.call("ov_tensor_get_shape") { $0.pointee.ov_tensor_get_shape(handle, &shape) }
        defer { library.release { _ = $0.pointee.ov_shape_free(&shape) } }
        guard (0...ModelLimits.rank).contains(Int(shape.rank)) else {
            throw .unsupportedTensor("An output of the model has \(shape.rank) dimensions, more than are accepted.")
        }
        let lengths = UnsafeBufferPointer(start: shape.dims, count: Int(shape.rank)).map(Int.init)
        var code: Int32 = 0
        try library.call("ov_tensor_get_element_type") { $0.pointee.ov_tensor_get_element_type(handle, &code) }
        guard let count = Tensor.elementCount(of: lengths), count <= ModelLimits.outputElements else {
            throw .unsupportedTensor("An output of the model is too large: its shape is \(lengths).")
        }
        guard count > 0 else { return Tensor(shape: lengths, elements: []) }
        var data: UnsafeMutableRawPointer?
        try library.call("ov_tensor_data") { $0.pointee.ov_tensor_data(handle, &data) }
        guard let data else { throw .unsupportedTensor("An output of the model has no memory.") }
        let type = TensorDescription.ElementType(openVINO: code)
        if type == .float32 {
            let elements = UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: count)
            return Tensor(shape: lengths, storage: LoanedStorage(loan: self, elements: elements))
        }
        guard let tensor = Tensor(shape: lengths, copying: data, of: type) else {
            throw .unsupportedTensor("An output of the model is not a tensor of numbers.")
        }
        return tensor
    }
}

/// Elements in the memory of an infer request, which does not run again before they are released.
///
/// `@unchecked Sendable`: the memory is only read.
private struct LoanedStorage: TensorStorage, @unchecked Sendable {
    let loan: Loan
    let elements: UnsafeBufferPointer<Float>
    var count: Int { elements.count }

    func withElements<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(loan) { try body(elements) }
    }
}

extension ModelDescription {
    /// Names and metadata as the file has them, types and shapes as OpenVINO infers them.
    fileprivate init(
        _ header: ONNXHeader, model: OpaquePointer, library: OpenVINOLibrary
    ) throws(OpenVINOError) {
        var counts = (inputs: 0, outputs: 0)
        try library.call("ov_model_inputs_size") { $0.pointee.ov_model_inputs_size(model, &counts.inputs) }
        try library.call("ov_model_outputs_size") { $0.pointee.ov_model_outputs_size(model, &counts.outputs) }
        guard counts == (header.inputs.count, header.outputs.count) else {
            throw .status(
                code: 0,
                message: "it finds \(counts.inputs) inputs and \(counts.outputs) outputs in a file that has "
                    + "\(header.inputs.count) and \(header.outputs.count)", function: "ov_core_read_model")
        }
        var inputs: [TensorDescription] = []
        for (index, declared) in header.inputs.enumerated() {
            let port = try library.make("ov_model_const_input_by_index") {
                $0.pointee.ov_model_const_input_by_index(model, index, &$1)
            }
            inputs.append(try TensorDescription(declared, consuming: port, library: library))
        }
        var outputs: [TensorDescription] = []
        for (index, declared) in header.outputs.enumerated() {
            let port = try library.make("ov_model_const_output_by_index") {
                $0.pointee.ov_model_const_output_by_index(model, index, &$1)
            }
            outputs.append(try TensorDescription(declared, consuming: port, library: library))
        }
        self.init(inputs: inputs, outputs: outputs, metadata: header.metadata)
    }
}

extension TensorDescription {
    /// Reads a port and releases it.
    fileprivate init(
        _ declared: TensorDescription, consuming port: OpaquePointer, library: OpenVINOLibrary
    ) throws(OpenVINOError) {
        defer { library.release { $0.pointee.ov_output_const_port_free(port) } }
        var code: Int32 = 0
        try library.call("ov_port_get_element_type") { $0.pointee.ov_port_get_element_type(port, &code) }
        var partial = ov_partial_shape_t()
        try library.call("ov_port_get_partial_shape") { $0.pointee.ov_port_get_partial_shape(port, &partial) }
        defer { library.release { $0.pointee.ov_partial_shape_free(&partial) } }
        var shape = declared.shape
        if partial.rank.min == partial.rank.max, partial.rank.min >= 0, let dimensions = partial.dims {
            shape = (0..<Int(partial.rank.min)).map { i in
                let dimension = dimensions[i]
                if dimension.min == dimension.max, dimension.min > 0 { return .fixed(Int(dimension.min)) }
                return declared.shape.indices.contains(i) ? declared.shape[i] : .free("")
            }
        }
        self.init(name: declared.name, elementType: ElementType(openVINO: code), shape: shape)
    }
}

extension TensorDescription.ElementType {
    /// The type of a number of `ov_element_type_e`.
    fileprivate init(openVINO code: Int32) {
        self = Self.codes.first { $0.code == code }?.type ?? .other
    }

    /// The number of a type; `nil` where there is none.
    fileprivate var openVINO: Int32? { Self.codes.first { $0.type == self }?.code }

    private static let codes: [(code: Int32, type: Self)] = [
        (1, .bool), (2, .bfloat16), (3, .float16), (4, .float32), (5, .float64), (7, .int8), (9, .int32), (10, .int64),
        (16, .uint8),
    ]
}
