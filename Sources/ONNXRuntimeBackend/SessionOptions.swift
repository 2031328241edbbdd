internal import CONNXRuntime

/// How threads wait for their next piece of work.
public enum Spinning: Hashable, Sendable {
    /// They sleep at once. An inference wakes them up hundreds of times, which costs it a fifth.
    case never
    /// They look for work for a millisecond, which bridges the gaps within an inference, and then sleep.
    case briefly
    /// ONNX Runtime's default: they look for work for long. As quick as `briefly` on a quiet machine; on a busy one they
    /// take the processor from whoever has work.
    case long
}

/// How a model is run.
public struct SessionOptions: Hashable, Sendable {
    /// Threads of one inference.
    public var threads: Int
    /// How threads wait for their next piece of work.
    public var spinning: Spinning
    /// Whether the runtime keeps its own pool of memory. Without it memory goes back when it is not needed; the cost is
    /// nothing where the C library keeps freed blocks (`CAllocator`).
    public var keepsMemory: Bool

    public init(threads: Int, spinning: Spinning = .briefly, keepsMemory: Bool = false) {
        self.threads = threads
        self.spinning = spinning
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
            $0.pointee.AddSessionConfigEntry(
                options, "session.intra_op.allow_spinning", spinning == .never ? "0" : "1")
        }
        if spinning == .briefly {
            try library.call("AddSessionConfigEntry") {
                $0.pointee.AddSessionConfigEntry(options, "session.intra_op.spin_duration_us", "1000")
            }
        }
        if !keepsMemory {
            try library.call("DisableCpuMemArena") { $0.pointee.DisableCpuMemArena(options) }
            try library.call("DisableMemPattern") { $0.pointee.DisableMemPattern(options) }
        }
        return try body(options)
    }
}
