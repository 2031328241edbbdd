package import Foundation
import InstanceSegmentation
import RuntimeSupport

/// Bytes in memory that are read like those of a file, and count what is read of them.
package final class MemoryBytes: ByteSource {
    /// A part of the bytes.
    package enum Part {
        case bytes(Data)
        /// As many zeros, which take no memory.
        case zeros(Int)

        package var count: Int {
            switch self {
            case .bytes(let data): data.count
            case .zeros(let count): count
            }
        }
    }

    package let size: Int
    private let parts: [Part]
    /// The number of bytes read so far.
    package private(set) var bytesRead = 0

    /// - Parameter size: the size that is told; by default that of the parts.
    package init(_ parts: [Part], size: Int? = nil) {
        self.parts = parts
        self.size = size ?? parts.reduce(0) { $0 + $1.count }
    }

    package convenience init(_ bytes: Data) { self.init([.bytes(bytes)]) }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        var (start, filled) = (0, 0)
        for part in parts where filled < buffer.count {
            defer { start += part.count }
            let from = offset + filled - start
            guard from < part.count else { continue }
            let count = min(part.count - from, buffer.count - filled)
            let place = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
            switch part {
            case .bytes(let data):
                data.copyBytes(to: place, from: data.startIndex + from..<data.startIndex + from + count)
            case .zeros: place.initializeMemory(as: UInt8.self, repeating: 0)
            }
            filled += count
        }
        bytesRead += filled
        return filled
    }
}
