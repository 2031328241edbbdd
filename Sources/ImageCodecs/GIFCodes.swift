/// Decodes the data of a GIF image whose codes begin with more than 9 bits, which giflib refuses and Pillow reads.
///
/// Source: GIF89a specification, appendix F.
struct GIFCodes {
    private let bytes: UnsafeRawBufferPointer
    /// Where the next byte lies, and how many more the current block has.
    private var at: Int
    private var remaining = 0
    private var held = 0
    private var available = 0

    private static let maxBits = 12
    private static let tableSize = 1 << maxBits

    /// - Parameter start: where the number of bits lies that codes begin with.
    private init(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        self.bytes = bytes
        at = start
    }

    /// The indices of an image's pixels in the order of the file, 8 bits of each.
    /// - Parameters:
    ///   - start: where the smallest number of bits of a color lies; blocks of codes follow it.
    ///   - count: number of pixels.
    /// - Throws: `ImageCodecError`.
    static func indices(
        in bytes: UnsafeRawBufferPointer, at start: Int, count: Int
    ) throws(ImageCodecError) -> [UInt8] {
        guard start < bytes.count, (2..<maxBits).contains(Int(bytes[start])) else {
            throw .corrupt("its image data begins with a wrong number of bits")
        }
        let clear = 1 << Int(bytes[start])
        var codes = GIFCodes(bytes, at: start + 1)
        // Each code stands for the text of an earlier one and a byte more.
        var prefix = [Int](repeating: -1, count: tableSize), length = [Int](repeating: 1, count: tableSize)
        var last = (0..<tableSize).map { UInt8(truncatingIfNeeded: $0) }
        var first = last
        var indices: [UInt8] = []
        indices.reserveCapacity(count)
        var size = clear.trailingZeroBitCount + 1, next = clear + 2, previous = -1
        while indices.count < count {
            guard let code = codes.next(size), code != clear + 1 else {
                throw .truncated("it ends before its pixels do")
            }
            guard code != clear else {
                (size, next, previous) = (clear.trailingZeroBitCount + 1, clear + 2, -1)
                continue
            }
            guard code < next || (code == next && previous >= 0), code < tableSize else {
                throw .corrupt("its image data has a code that is not defined yet")
            }
            if previous >= 0, next < tableSize {
                prefix[next] = previous
                length[next] = length[previous] + 1
                first[next] = first[previous]
                last[next] = code == next ? first[previous] : first[code]
                next += 1
                if next == 1 << size, size < maxBits { size += 1 }
            }
            guard code < next else { throw .corrupt("its image data has a code that is not defined yet") }
            let begin = indices.count
            indices.append(contentsOf: repeatElement(0, count: length[code]))
            var each = code
            for place in stride(from: indices.count - 1, through: begin, by: -1) {
                indices[place] = last[each]
                each = prefix[each]
            }
            previous = code
        }
        indices.removeLast(indices.count - count)
        return indices
    }

    /// The next code; `nil` after the last block.
    private mutating func next(_ bits: Int) -> Int? {
        while available < bits {
            if remaining == 0 {
                guard at < bytes.count, bytes[at] > 0 else { return nil }
                remaining = Int(bytes[at])
                at += 1
            }
            guard at < bytes.count else { return nil }
            held |= Int(bytes[at]) << available
            available += 8
            at += 1
            remaining -= 1
        }
        defer {
            held >>= bits
            available -= bits
        }
        return held & (1 << bits - 1)
    }
}
