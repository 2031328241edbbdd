import Testing

@testable import silhouette

@Suite struct TextTableTests {
    @Test func everyCellIsWholeAndColumnsAreStraight() {
        let table = TextTable(
            header: ["class", "n"], rows: [["🙂🙂🙂", "1"], ["猫", "2"], ["e\u{301}te\u{301}", "3"], ["bolt", "4"]])
        #expect(table.lines == ["class   n", "🙂🙂🙂  1", "猫      2", "e\u{301}te\u{301}     3", "bolt    4"])
        #expect(TextTable(header: nil, rows: [["👩‍👩‍👧‍👦", "x"], ["abc", "y"]]).lines == ["👩‍👩‍👧‍👦   x", "abc  y"])
    }

    @Test func longTextsAreNotCut() {
        #expect("abcdef".padded(to: 3) == "abcdef" && "ab".padded(to: 4) == "ab  " && "猫".padded(to: 4) == "猫  ")
    }
}
