/// Elements in the order in which they came. Appending and removing the first take constant time, amortized.
struct FIFOQueue<Element> {
    private var elements: [Element?] = []
    /// The index of the first element that was not removed.
    private var head = 0

    /// Number of elements.
    var count: Int { elements.count - head }

    /// Adds an element behind the others.
    mutating func append(_ element: Element) {
        elements.append(element)
    }

    /// Removes and returns the first element; `nil` if the queue is empty.
    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let first = elements[head]
        elements[head] = nil
        head += 1
        // The places of removed elements are given up once they are half of the array.
        if head == elements.count {
            elements.removeAll(keepingCapacity: head <= 64)
            head = 0
        } else if head >= 64 && 2 * head >= elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return first
    }

    /// Removes the first element for which a condition holds, in time linear in the number of elements.
    /// - Returns: whether there was one.
    mutating func removeFirst(where isMatch: (Element) -> Bool) -> Bool {
        let index = elements.indices[head...].first { index in elements[index].map(isMatch) ?? false }
        guard let index else { return false }
        elements.remove(at: index)
        return true
    }
}
