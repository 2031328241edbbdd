import Foundation

/// An ordinary file that is open for reading at any place.
///
/// Nothing of it is mapped into memory: reading a mapped file that is truncated meanwhile ends the process.
package final class OpenedFile: Sendable {
    /// The size when it was opened, in bytes.
    package let size: Int
    private let descriptor: Int32

    /// Opens a file. Neither what is in its place nor what is put there meanwhile can block the thread.
    /// - Parameter limit: the largest size in bytes.
    package init(_ path: String, limit: Int) throws(OrdinaryFile.Failure) {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno) }
        do throws(OrdinaryFile.Failure) {
            size = try OrdinaryFile.size(of: descriptor, limit: limit)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Reads from an offset on.
    /// - Returns: the number of bytes read, which is less than the buffer's only at the end of the file.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(OrdinaryFile.Failure) -> Int {
        var count = 0
        while count < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let read = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + count))
            if read < 0 && errno == EINTR { continue }
            guard read >= 0 else { throw .system(errno) }
            if read == 0 { break }
            count += read
        }
        return count
    }
}
