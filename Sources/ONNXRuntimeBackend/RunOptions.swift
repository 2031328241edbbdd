internal import CONNXRuntime

/// Owns the runtime's options for one run.
///
/// `@unchecked Sendable`: the pointer is set once, and the only function that other threads call is `terminate`, which the
/// runtime allows during a run.
final class RunOptions: @unchecked Sendable {
    /// The C object, valid for as long as this one.
    let handle: OpaquePointer
    private let library: ONNXRuntimeLibrary

    /// Creates options.
    /// - Throws: `ONNXRuntimeError`.
    init(library: ONNXRuntimeLibrary) throws(ONNXRuntimeError) {
        handle = try library.make("CreateRunOptions") { api, out in api.pointee.CreateRunOptions(&out) }
        self.library = library
    }

    deinit {
        library.release { $0.pointee.ReleaseRunOptions(handle) }
    }

    /// Has the run end with an error after the operators that it executes at the moment.
    func terminate() {
        do throws(ONNXRuntimeError) {
            try library.call("RunOptionsSetTerminate") { $0.pointee.RunOptionsSetTerminate(handle) }
        } catch {
            // It sets a flag and has no way to fail. The run would end by itself.
        }
    }
}
