import InstanceSegmentation

/// A view of the structure of a model file that holds a small part of it in memory, and never its weights.
///
/// What lies next to each other is read in growing parts. What is skipped, such as the numbers of a constant, is not read. The work and the
/// memory that a file can cause are bounded: the fields that are looked at, the bytes that are read, and the text that is kept.
final class ByteWindow {
    /// How much of a file is looked at.
    struct Limits {
        var fields = ModelLimits.fields
        var bytes = ModelLimits.structureBytes
        var text = ModelLimits.textBytes
    }

    /// Largest part that is held, in bytes.
    static let size = 1 << 16
    /// What is read after a jump: the next constant's name lies behind the weights of one.
    private static let first = 1 << 12

    let source: any ByteSource
    private let limits: Limits
    private let buffer: UnsafeMutableRawBufferPointer
    /// The part that is in the buffer.
    private var loaded = 0..<0
    private var (fields, bytes, text) = (0, 0, 0)

    /// - Parameter size: largest part that is held, in bytes.
    init(_ source: any ByteSource, limits: Limits = Limits(), size: Int = ByteWindow.size) {
        self.source = source
        self.limits = limits
        buffer = .allocate(byteCount: size, alignment: 1)
    }

    deinit { buffer.deallocate() }

    /// Counts a field, or a number of a list.
    func countField() throws(ONNXHeader.Refusal) {
        fields += 1
        guard fields <= limits.fields else { throw .tooMany("fields", limit: limits.fields) }
    }

    func byte(at position: Int) throws(ONNXHeader.Refusal) -> UInt8 {
        if !loaded.contains(position) { try load(from: position) }
        return buffer[position - loaded.lowerBound]
    }

    /// A text that is kept, without most of its combining marks where there are many in a row.
    func text(_ range: Range<Int>) throws(ONNXHeader.Refusal) -> String {
        text += range.count
        guard text <= limits.text else { throw .tooMany("bytes of names and metadata", limit: limits.text) }
        guard !range.isEmpty else { return "" }
        guard range.count <= buffer.count else { return String(streamSafe: try numbers(range)) }
        if range.lowerBound < loaded.lowerBound || range.upperBound > loaded.upperBound {
            try load(from: range.lowerBound, atLeast: range.count)
        }
        let start = range.lowerBound - loaded.lowerBound
        return String(streamSafe: UnsafeRawBufferPointer(rebasing: buffer[start..<start + range.count]))
    }

    /// The bytes of a range that the window may be too small for.
    func numbers(_ range: Range<Int>) throws(ONNXHeader.Refusal) -> [UInt8] {
        try count(range.count)
        var result = [UInt8](repeating: 0, count: range.count)
        var failure: ONNXHeader.Refusal?
        result.withUnsafeMutableBytes { bytes in
            do throws(ONNXHeader.Refusal) { try source.fill(bytes, at: range.lowerBound) } catch { failure = error }
        }
        if let failure { throw failure }
        return result
    }

    private func load(from position: Int, atLeast least: Int = 1) throws(ONNXHeader.Refusal) {
        let follows = position >= loaded.upperBound && position - loaded.upperBound < Self.first
        let wanted = max(least, follows ? 2 * loaded.count : 0, Self.first)
        let length = min(wanted, buffer.count, source.size - position)
        guard length >= least else { throw .malformed }
        try count(length)
        loaded = 0..<0
        try source.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[..<length]), at: position)
        loaded = position..<position + length
    }

    private func count(_ read: Int) throws(ONNXHeader.Refusal) {
        bytes += read
        guard bytes <= limits.bytes else { throw .tooMany("bytes outside of its weights", limit: limits.bytes) }
    }
}
