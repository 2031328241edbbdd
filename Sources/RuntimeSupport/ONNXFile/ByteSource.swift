package import InstanceSegmentation

/// Bytes that can be read at any place, such as those of a file.
package protocol ByteSource {
    /// The number of bytes.
    var size: Int { get }

    /// Reads from an offset on.
    /// - Returns: the number of bytes read, which is less than the buffer's only where the bytes end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(OrdinaryFile.Failure) -> Int
}

extension OpenedFile: ByteSource {}

extension ByteSource {
    /// Fills a buffer.
    /// - Throws: `malformed` where the bytes end early, as those of a file that is truncated while it is read.
    func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ONNXHeader.Refusal) {
        let count: Int
        do throws(OrdinaryFile.Failure) {
            count = try read(into: buffer, at: offset)
        } catch {
            if case .system(let code) = error { throw .unreadable(code) }
            throw .malformed
        }
        guard count == buffer.count else { throw .malformed }
    }
}
