internal import CONNXRuntime
import InstanceSegmentation

/// The memory pool that all networks of the process share.
///
/// Otherwise each network would have its own pool, which keeps for ever what its largest run needed. Without any pool,
/// a run takes 5% longer. A shared pool needs little more than the runs in flight, and can be emptied.
extension ONNXRuntimeLibrary {
    /// Makes the pool, once for an environment. Sessions use it where their options say so.
    static func makePool(
        _ api: UnsafePointer<OrtApi>, environment: OpaquePointer, info: OpaquePointer
    ) throws(ONNXRuntimeError) {
        // It grows by what is asked for, not to powers of two.
        let configuration = try make("CreateArenaCfg", api) { api, out in
            api.pointee.CreateArenaCfg(0, 1, -1, -1, &out)
        }
        defer { api.pointee.ReleaseArenaCfg(configuration) }
        try check(
            api.pointee.CreateAndRegisterAllocator(environment, info, configuration), "CreateAndRegisterAllocator", api)
    }

    /// Gives the parts of the pool that nothing lies in back to the C library.
    ///
    /// The runtime does so only at the end of a run; here it is one of a network that does nothing.
    func emptyPool() throws {
        let session = try ONNXSession(library: self, bytes: Self.identity, options: SessionOptions(threads: 1))
        let options = try RunOptions(library: self)
        try call("AddRunConfigEntry") {
            $0.pointee.AddRunConfigEntry(options.handle, "memory.enable_memory_arena_shrinkage", "cpu:0")
        }
        _ = try session.run(["x": Tensor(shape: [1], elements: [0])], options: options.handle)
    }

    /// An ONNX file whose output `y` is its input `x` `[1]`.
    private static let identity: [UInt8] = [
        8, 7, 18, 0, 58, 55, 10, 16, 10, 1, 120, 18, 1, 121, 34, 8, 73, 100, 101, 110, 116, 105, 116, 121, 18, 1, 103,
        90,
        15, 10, 1, 120, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 1, 98, 15, 10, 1, 121, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2,
        8,
        1, 66, 4, 10, 0, 16, 13,
    ]
}
