/// Disjoint sets of the numbers from 0, each named by its smallest number.
///
/// Source: Galler and Fischer (1964), with the path halving of van Leeuwen and van der Weide (1977).
struct DisjointSets {
    private var parents: [Int]

    /// Creates a set for each of the numbers `0..<count`.
    init(count: Int) {
        parents = Array(0..<count)
    }

    /// The smallest number of the set that a number is in.
    ///
    /// - Complexity: O(log n), amortized.
    mutating func root(of number: Int) -> Int {
        var number = number
        while parents[number] != number {
            parents[number] = parents[parents[number]]
            number = parents[number]
        }
        return number
    }

    /// Unites the sets of two numbers.
    mutating func unite(_ first: Int, _ second: Int) {
        let (a, b) = (root(of: first), root(of: second))
        if a != b { parents[max(a, b)] = min(a, b) }
    }
}
