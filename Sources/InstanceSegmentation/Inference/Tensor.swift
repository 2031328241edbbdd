/// A multidimensional array of floats in row-major order, with a shape such as `[1, 3, 640, 640]`.
///
/// The elements are stored in an array or in memory that a runtime owns; `withElements` reads either without a copy.
public struct Tensor: Sendable {
    /// Lengths of the dimensions, outermost first.
    public let shape: [Int]
    private let storage: any TensorStorage

    /// Creates a tensor over an array; `elements.count` must be the product of the shape.
    public init(shape: [Int], elements: [Float]) {
        self.init(shape: shape, storage: ArrayStorage(elements: elements))
    }

    /// Creates a tensor over external memory, which must stay valid for as long as `storage` exists.
    public init(shape: [Int], storage: any TensorStorage) {
        precondition(storage.count == Self.elementCount(of: shape), "the elements do not fill the shape")
        self.shape = shape
        self.storage = storage
    }

    /// Number of elements.
    public var count: Int { storage.count }

    /// The number of elements of a shape; `nil` where a length is negative or the number does not fit.
    package static func elementCount(of shape: [Int]) -> Int? {
        guard shape.allSatisfy({ $0 >= 0 }) else { return nil }
        if shape.contains(0) { return 0 }
        var count = 1
        for length in shape {
            let (product, overflows) = count.multipliedReportingOverflow(by: length)
            guard !overflows else { return nil }
            count = product
        }
        return count
    }

    /// Calls a closure with a buffer of all elements.
    public func withElements<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try storage.withElements(body)
    }

    /// A copy of the elements.
    public var elements: [Float] { withElements(Array.init) }
}

/// The memory of a tensor.
public protocol TensorStorage: Sendable {
    /// Number of elements.
    var count: Int { get }
    /// Calls a closure with a buffer of all elements, which is valid until the closure returns.
    func withElements<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result
}

private struct ArrayStorage: TensorStorage {
    let elements: [Float]
    var count: Int { elements.count }
    func withElements<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try elements.withUnsafeBufferPointer(body)
    }
}
