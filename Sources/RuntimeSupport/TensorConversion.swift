package import InstanceSegmentation

extension Tensor {
    /// A copy of numbers of another type, as many as the shape holds; `nil` where the type is not one of numbers, or
    /// the shape too large.
    package init?(shape: [Int], copying data: UnsafeRawPointer, of type: TensorDescription.ElementType) {
        guard let count = Tensor.elementCount(of: shape), count <= ModelLimits.outputElements else { return nil }
        func elements<Element>(_: Element.Type, _ convert: (Element) -> Float) -> [Float] {
            UnsafeBufferPointer(start: data.assumingMemoryBound(to: Element.self), count: count).map(convert)
        }
        let converted: [Float]
        switch type {
        case .float32: converted = elements(Float.self) { $0 }
        case .float64: converted = elements(Double.self) { Float($0) }
        case .uint8: converted = elements(UInt8.self) { Float($0) }
        case .int8: converted = elements(Int8.self) { Float($0) }
        case .int32: converted = elements(Int32.self) { Float($0) }
        case .int64: converted = elements(Int64.self) { Float($0) }
        case .bool: converted = elements(UInt8.self) { $0 == 0 ? 0 : 1 }
        case .bfloat16: converted = elements(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .float16: converted = elements(UInt16.self, float(fromHalf:))
        case .other: return nil
        }
        self.init(shape: shape, elements: converted)
    }

    /// Calls a function with the elements as a network takes them: 32-bit floats without a copy.
    /// - Returns: `nil` where no conversion to the type is known.
    package func withBytes<Result>(
        as type: TensorDescription.ElementType, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result? {
        try withElements { elements in
            switch type {
            case .float32: try body(UnsafeRawBufferPointer(elements))
            case .float16: try elements.map(half(fromFloat:)).withUnsafeBytes(body)
            case .uint8: try elements.map { $0 > 0 ? UInt8(min($0.rounded(), 255)) : 0 }.withUnsafeBytes(body)
            default: nil
            }
        }
    }
}
