internal import CONNXRuntime

/// How threads wait for their next piece of work.
public enum Spinning: Hashable, Sendable {
    /// They sleep at once. An inference wakes them up hundreds of times, which costs it a fifth.
    case never
    /// They look for work for a millisecond, which bridges the gaps within an inference, and then sleep.
    case briefly
}

/// How a model is run.
public struct SessionOptions: Hashable, Sendable {
    /// Threads of one inference.
    public var threads: Int
    /// How threads wait for their next piece of work.
    public var spinning: Spinning
    /// Whether the end of a graph is left out where a decoder does the same for the few anchors that are objects
    /// (`ModelDescription.heads`): a tenth of the time of a YOLO network.
    public var leavesOutTails = true
    /// Whether everything but the number of threads is as the runtime comes: what others run, and what we measure
    /// against.
    public private(set) var isStandard = false

    public init(threads: Int, spinning: Spinning = .briefly) {
        self.threads = threads
        self.spinning = spinning
    }

    /// The runtime's own settings: threads spin for long, and its pool keeps all memory for ever.
    public static func standard(threads: Int) -> SessionOptions {
        var options = SessionOptions(threads: threads)
        options.isStandard = true
        options.leavesOutTails = false
        return options
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
        if !isStandard {
            for (key, value) in configuration {
                try library.call("AddSessionConfigEntry") { $0.pointee.AddSessionConfigEntry(options, key, value) }
            }
        }
        return try body(options)
    }

    private var configuration: [(key: String, value: String)] {
        [
            ("session.intra_op.allow_spinning", spinning == .never ? "0" : "1"),
            ("session.intra_op.spin_duration_us", "1000"),
            // Smaller pieces of work even out what threads have left to do: a hundredth or two.
            ("session.dynamic_block_base", "4"),
            // Processors with AVX2 but without VNNI add 8-bit products in 16 bits, which saturate: networks of 8 bits lost four points
            // of mask AP there. Others are not affected.
            ("session.x64quantprecision", "1"),
            // Runs share one pool of memory; weights stay out of it, so that it can be emptied (`SharedMemory`).
            ("session.use_env_allocators", "1"),
            ("session.use_device_allocator_for_initializers", "1"),
        ]
    }
}
