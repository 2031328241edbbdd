/// Takes points out of rings that do not cross, so that they do not cross afterwards either.
///
/// The point nearest to the line that would replace it goes first, as long as every point left out so far stays within the tolerance
/// of its line, and no other vertex, of any ring, is in the triangle that the ring gives up or gains. No ring can then cross itself or
/// another, a hole stays in its ring, and rings that touch do so at the same points. The first point and at least three points of each
/// ring are kept.
///
/// Source: the removal of single vertices after Visvalingam and Whyatt (1993), with the test for empty triangles of de Berg, van Kreveld
/// and Schirra (1998), *Topologically correct subdivision simplification using the bandwidth criterion*.
///
/// - Complexity: O(n log n) for the n points of usual rings. Distances are computed again where their estimate is too large; of these
///   there are at most 256 a point, after which a ring keeps more points than it would need to.
struct RingSimplifier {
    private let points: [PixelPoint]
    /// What has to stay within the tolerance, for each point.
    private let references: [PixelPoint]
    private let rings: [Range<Int>]
    private let ringOf: [Int]
    private let tolerance: Double
    private let clearance: Double

    private var counts: [Int]
    private var previous: [Int]
    private var next: [Int]
    private var isRemoved: [Bool]
    /// For the line from a vertex to its next: how far from it the points that it replaced may be, at most.
    private var errors: [Double]
    private var versions: [Int32]
    private var grid: VertexGrid
    private var queue = VertexQueue()
    private var blocked: [Int] = []
    private var budget: Int

    /// - Parameters:
    ///   - rings: rings that cross neither themselves nor each other; they may touch at vertices. Coordinates are finite.
    ///   - references: for each ring the points that have to stay within the tolerance, if they are not its own.
    ///   - tolerance: in pixels.
    /// - Returns: The rings with fewer points, in the order in which they were.
    static func simplified(_ rings: [[PixelPoint]], references: [[PixelPoint]]? = nil, tolerance: Double)
        -> [[PixelPoint]]
    {
        let points = rings.flatMap(\.self)
        guard tolerance >= 0, !points.isEmpty, points.allSatisfy({ $0.x.isFinite && $0.y.isFinite }) else {
            return rings
        }
        var simplifier = RingSimplifier(
            rings, points: points, references: references?.flatMap(\.self), tolerance: tolerance)
        simplifier.run()
        return simplifier.kept
    }

    private init(_ rings: [[PixelPoint]], points: [PixelPoint], references: [PixelPoint]?, tolerance: Double) {
        self.points = points
        self.references = references ?? points
        self.tolerance = tolerance
        clearance = min(0.01, tolerance / 10)
        var ranges: [Range<Int>] = []
        var ringOf: [Int] = []
        var previous = Array(-1..<points.count - 1)
        var next = Array(1...points.count)
        for (number, ring) in rings.enumerated() {
            let range = ringOf.count..<ringOf.count + ring.count
            ranges.append(range)
            ringOf += repeatElement(number, count: ring.count)
            guard !range.isEmpty else { continue }
            previous[range.lowerBound] = range.upperBound - 1
            next[range.upperBound - 1] = range.lowerBound
        }
        self.rings = ranges
        self.ringOf = ringOf
        self.previous = previous
        self.next = next
        counts = rings.map(\.count)
        isRemoved = [Bool](repeating: false, count: points.count)
        versions = [Int32](repeating: 0, count: points.count)
        budget = 256 * points.count
        grid = VertexGrid(points)
        let offsets = zip(points, self.references).map { $0.squaredDistance(to: $1).squareRoot() }
        errors = points.indices.map { max(offsets[$0], offsets[next[$0]]) }
    }

    private var kept: [[PixelPoint]] {
        rings.map { range in range.filter { !isRemoved[$0] }.map { points[$0] } }
    }

    private mutating func run() {
        for range in rings { range.dropFirst().forEach { enqueue($0) } }
        // A vertex in the way may be gone later.
        for _ in 0..<4 {
            let count = counts.reduce(0, +)
            while let entry = queue.popFirst() {
                let vertex = entry.vertex
                guard !isRemoved[vertex], versions[vertex] == entry.version else { continue }
                let (before, after) = (previous[vertex], next[vertex])
                guard remove(vertex) else { continue }
                enqueue(before)
                enqueue(after)
            }
            guard !blocked.isEmpty, counts.reduce(0, +) < count else { return }
            let again = blocked
            blocked = []
            for vertex in again where !isRemoved[vertex] { enqueue(vertex) }
        }
    }

    private mutating func enqueue(_ vertex: Int) {
        versions[vertex] &+= 1
        guard vertex != rings[ringOf[vertex]].lowerBound else { return }
        let distance = points[vertex].squaredDistance(toSegment: points[previous[vertex]], points[next[vertex]])
        guard distance <= tolerance * tolerance else { return }
        queue.insert(VertexQueue.Entry(distance: distance, vertex: vertex, version: versions[vertex]))
    }

    /// Takes a vertex out where nothing forbids it.
    private mutating func remove(_ vertex: Int) -> Bool {
        let (start, end) = (previous[vertex], next[vertex])
        guard counts[ringOf[vertex]] > 3 else { return false }
        let distance = points[vertex].squaredDistance(toSegment: points[start], points[end]).squareRoot()
        // Each replaced point is near a line, and each point of that line is near the new one.
        var error = max(errors[start], errors[vertex]) + distance
        if error > tolerance {
            guard let exact = replacedDistance(from: start, to: end) else { return false }
            error = exact
        }
        let isBlocked = grid.hasVertex(inTriangleAt: vertex, base: start, end, clearance: clearance) { other in
            points[next[other]] == points[end] || points[previous[other]] == points[end]
        }
        if isBlocked {
            blocked.append(vertex)
            return false
        }
        next[start] = end
        previous[end] = start
        errors[start] = error
        isRemoved[vertex] = true
        counts[ringOf[vertex]] -= 1
        grid.remove(vertex)
        return true
    }

    /// How far the points between two vertices are from the line between these; `nil` if it is more than the tolerance.
    private mutating func replacedDistance(from start: Int, to end: Int) -> Double? {
        let range = rings[ringOf[start]]
        var farthest = 0.0
        var at = start
        while true {
            budget -= 1
            let distance = references[at].squaredDistance(toSegment: points[start], points[end])
            guard distance <= tolerance * tolerance, budget > 0 else { return nil }
            farthest = max(farthest, distance)
            if at == end { return farthest.squareRoot() }
            at = at + 1 == range.upperBound ? range.lowerBound : at + 1
        }
    }
}

/// Vertices by their distance to the line that would replace them, as a binary heap.
private struct VertexQueue {
    struct Entry {
        /// Squared, in pixels.
        let distance: Double
        let vertex: Int
        /// An entry of an older version of the vertex is void.
        let version: Int32

        static func < (a: Entry, b: Entry) -> Bool {
            a.distance != b.distance ? a.distance < b.distance : a.vertex < b.vertex
        }
    }

    private var entries: [Entry] = []

    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entries[child] < entries[(child - 1) / 2] {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> Entry? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && entries[child] < entries[least]
            {
                least = child
            }
            guard least != parent else { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
