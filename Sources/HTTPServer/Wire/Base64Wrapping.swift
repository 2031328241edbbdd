/// The base64 within what clients put around it: a byte order mark, white space, quotes, and the prefix of a `data:` address.
struct Base64Wrapping {
    /// The text without what is around it.
    private(set) var content: UnsafeRawBufferPointer
    /// Spaces directly behind the content, which may have been plus signs.
    private(set) var trailingSpaces = 0

    init(_ text: UnsafeRawBufferPointer) {
        content = text
        if content.starts(with: [0xEF, 0xBB, 0xBF]) { keep(3..<content.count) }
        trim()
        // Python writes bytes as b'...' where a program converts them to text carelessly.
        if content.count >= 3, content[0] == UInt8(ascii: "b"), isQuote(content[1]), content.last == content[1] {
            keep(1..<content.count)
        }
        if content.count >= 2, let first = content.first, isQuote(first), content.last == first {
            keep(1..<content.count - 1)
            trim()
        }
        dropPrefix()
    }

    private func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    private mutating func keep(_ range: Range<Int>) {
        content = UnsafeRawBufferPointer(rebasing: content[range])
    }

    private mutating func trim() {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
        var (start, end) = (0, content.count)
        while start < end, isSpace(content[start]) { start += 1 }
        while end > start, isSpace(content[end - 1]) { end -= 1 }
        trailingSpaces = content[end...].prefix { $0 == 32 }.count
        keep(start..<end)
    }

    /// `data:image/png;base64,` with any parameters, also percent-encoded, and what is left of it where a client cut it in part. No
    /// comma and no colon stands in base64.
    private mutating func dropPrefix() {
        let head = String(decoding: content.prefix(512), as: UTF8.self).lowercased()
        let marks = [",", "%2c"]
        let isPrefixed =
            head.hasPrefix("data:") || head.hasPrefix("data%3a") || head.hasPrefix("base64,")
            || head.contains(";base64,")
        guard isPrefixed else { return }
        let bytes = content.prefix(512)
        for at in bytes.indices {
            for mark in marks
            where bytes[at...].prefix(mark.utf8.count).elementsEqual(mark.utf8) || isUpperCase(mark, at) {
                keep(at + mark.utf8.count..<content.count)
                trim()
                return
            }
        }
    }

    private func isUpperCase(_ mark: String, _ at: Int) -> Bool {
        content[at...].prefix(mark.utf8.count).elementsEqual(mark.uppercased().utf8)
    }
}
