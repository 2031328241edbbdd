import TestSupport
import Testing

@testable import Serving

@Suite struct FlowLineTests {
    @Test(arguments: 0..<20) func itIsAListWithoutGaps(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var line = FlowLine<Int>()
        var list: [Int] = []
        for ticket in 0..<600 {
            if list.isEmpty || Int.random(in: 0..<5, using: &random) > (ticket / 100 % 2 == 0 ? 1 : 2) {
                line.append(ticket, sequence: UInt64(ticket) * 3)
                list.append(ticket)
            } else {
                let index =
                    [0, list.count - 1, Int.random(in: 0..<list.count, using: &random)]
                    .randomElement(using: &random) ?? 0
                line.remove(sequence: UInt64(list.remove(at: index)) * 3)
            }
            line.remove(sequence: UInt64(ticket) * 3 + 1)
            #expect(line.count == list.count && line.isEmpty == list.isEmpty)
            #expect(line.first == list.first && line.last?.ticket == list.last)
            #expect(line.places.count <= 2 * line.count + 16)
        }
    }

    @Test func manyRemovalsInTheMiddleAreForgotten() {
        var line = FlowLine<Int>()
        for ticket in 0..<2000 { line.append(ticket, sequence: UInt64(ticket)) }
        for ticket in 1..<1999 { line.remove(sequence: UInt64(ticket)) }
        #expect(line.first == 0 && line.last?.ticket == 1999 && line.places.count <= 20)
        line.remove(sequence: 0)
        line.remove(sequence: 1999)
        #expect(line.isEmpty && line.first == nil && line.last == nil && line.places.isEmpty)
    }
}
