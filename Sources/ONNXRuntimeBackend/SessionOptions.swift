internal import CONNXRuntime

/// The way in which idle threads wait for work during an inference.
public enum Spinning: Hashable, Sendable {
    /// Threads sleep at once. An inference wakes them hundreds of times, which costs about a fifth of its time.
    case never
    /// Threads spin for a millisecond, which bridges the gaps within an inference, and then sleep.
    case briefly
}

/// The options of a session.
public struct SessionOptions: Hashable, Sendable {
    /// Number of threads per inference.
    public var threads: Int
    /// The way in which idle threads wait for work.
    public var spinning: Spinning
    /// Whether the end of a graph is pruned if the decoder performs it for the few anchors that pass the threshold
    /// (`ModelDescription.heads`). This saves about 10% of a YOLO network's inference time.
    public var leavesOutTails = true
    /// Whether all options except the number of threads are the runtime's defaults. They are the baseline of our
    /// benchmarks.
    public private(set) var isStandard = false

    public init(threads: Int, spinning: Spinning = .briefly) {
        self.threads = threads
        self.spinning = spinning
    }

    /// The runtime's default settings: threads spin for long, and the memory pool is never reduced.
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
