import Foundation

/// The bounds of JSON bodies, checked before anything is built from one: a body of some megabytes can stand for millions of values.
enum JSONStructure {
    static let maxValues = 10_000
    static let maxDepth = 64

    /// Goes over a text once; strings, which hold the images, at the speed of `memchr`. Whether it is JSON is for the parser to say.
    /// - Throws: `ServingError.jsonTooComplex`.
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        guard let base = bytes.baseAddress else { return }
        var (at, depth, values) = (0, 0, 0)
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                var isOpen = true
                while isOpen {
                    guard at + 1 < bytes.count,
                        let hit = memchr(base + at + 1, Int32(UInt8(ascii: "\"")), bytes.count - at - 1)
                    else { return }  // it does not end
                    let quote = base.distance(to: UnsafeRawPointer(hit))
                    // A quote after an odd number of backslashes belongs to the string.
                    var slashes = 0
                    while quote - 1 - slashes > at, bytes[quote - 1 - slashes] == UInt8(ascii: "\\") { slashes += 1 }
                    isOpen = slashes % 2 == 1
                    at = quote
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                (depth, values) = (depth + 1, values + 1)
                guard depth <= maxDepth else {
                    throw ServingError.jsonTooComplex("nests deeper than \(maxDepth) levels")
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ","): values += 1
            default: break
            }
            guard values <= maxValues else { throw ServingError.jsonTooComplex("has more than \(maxValues) values") }
            at += 1
        }
    }
}
