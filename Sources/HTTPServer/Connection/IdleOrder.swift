/// The connections without a request in flight, in the order in which they became so. All operations take constant time.
struct IdleOrder {
    private struct Links {
        var previous: Int?
        var next: Int?
    }

    private var links: [Int: Links] = [:]
    /// The identifier that has been in the order for the longest.
    private(set) var first: Int?
    private var last: Int?

    var count: Int { links.count }

    /// Adds an identifier at the end. An identifier that is already there keeps its place.
    mutating func append(_ id: Int) {
        guard links[id] == nil else { return }
        links[id] = Links(previous: last)
        if let last { links[last]?.next = id } else { first = id }
        last = id
    }

    /// Removes an identifier, if it is there.
    mutating func remove(_ id: Int) {
        guard let removed = links.removeValue(forKey: id) else { return }
        if let previous = removed.previous { links[previous]?.next = removed.next } else { first = removed.next }
        if let next = removed.next { links[next]?.previous = removed.previous } else { last = removed.previous }
    }

    /// Removes and returns the first identifier.
    mutating func popFirst() -> Int? {
        guard let first else { return nil }
        remove(first)
        return first
    }
}
