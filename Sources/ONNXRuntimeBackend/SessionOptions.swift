internal import CONNXRuntime

/// How a model is run.
public struct SessionOptions: Hashable, Sendable {
    /// Threads of one inference.
    public var threads: Int
    /// Whether threads wait for their next piece of work by spinning. Somewhat sooner alone on a quiet machine, much
    /// slower and twice the processor time on a busy one.
    public var spins: Bool
    /// Whether the runtime keeps its own pool of memory. Without it memory goes back when it is not needed; the cost is
    /// nothing where the C library keeps freed blocks (`CAllocator`).
    public var keepsMemory: Bool

    public init(threads: Int, spins: Bool = false, keepsMemory: Bool = false) {
        self.threads = threads
        self.spins = spins
        self.keepsMemory = keepsMemory
    }

    /// Calls a function with the C object of these options.
    func withHandle<Result>(
        _ library: ONNXRuntimeLibrary, _ body: (OpaquePointer) throws(ONNXRuntimeError) -> Result
    ) throws(ONNXRuntimeError) -> Result {
        let options = try library.make("CreateSessionOptions") { api, out in api.pointee.CreateSessionOptions(&out) }
        defer { library.release { $0.pointee.ReleaseSessionOptions(options) } }
        try library.call("SetSessionGraphOptimizationLevel") {
            $0.pointee.SetSessionGraphOptimizationLevel(options, 99)
        }
        try library.call("SetIntraOpNumThreads") { $0.pointee.SetIntraOpNumThreads(options, Int32(threads)) }
        try library.call("AddSessionConfigEntry") {
            $0.pointee.AddSessionConfigEntry(options, "session.intra_op.allow_spinning", spins ? "1" : "0")
        }
        if !keepsMemory {
            try library.call("DisableCpuMemArena") { $0.pointee.DisableCpuMemArena(options) }
            try library.call("DisableMemPattern") { $0.pointee.DisableMemPattern(options) }
        }
        return try body(options)
    }
}
