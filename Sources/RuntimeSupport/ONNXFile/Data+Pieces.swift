import Foundation

/// A part of bytes that are put together.
enum Piece {
    /// A range of a source.
    case source(Range<Int>)
    case bytes(Data)

    fileprivate var count: Int {
        switch self {
        case .source(let range): range.count
        case .bytes(let data): data.count
        }
    }
}

extension Data {
    /// Puts bytes together in pages of their own. They go back to the system when the data is released, however much memory the C library
    /// is told to keep.
    /// - Returns: `nil` where a source cannot be read, and where there is no memory.
    init?(joining pieces: [Piece], of source: any ByteSource) {
        let count = pieces.reduce(0) { $0 + $1.count }
        guard count > 0, let pages = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
            pages != MAP_FAILED
        else { return nil }
        let whole = UnsafeMutableRawBufferPointer(start: pages, count: count)
        var position = 0
        for piece in pieces where piece.count > 0 {
            let part = UnsafeMutableRawBufferPointer(rebasing: whole[position..<position + piece.count])
            switch piece {
            case .source(let range):
                guard (try? source.fill(part, at: range.lowerBound)) != nil else {
                    munmap(pages, count)
                    return nil
                }
            case .bytes(let data): data.copyBytes(to: part)
            }
            position += piece.count
        }
        self.init(bytesNoCopy: pages, count: count, deallocator: .custom { munmap($0, $1) })
    }
}
