/// Class names by slot, as a file or the metadata gives them, within `ModelLimits`.
struct ClassNames {
    private(set) var bySlot: [Int: String] = [:]
    /// What they are read from, for messages.
    private let source: String

    init(source: String) {
        self.source = source
    }

    /// Names in the order of their slots.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    init(_ names: some Sequence<String>, source: String) throws {
        self.init(source: source)
        for (slot, name) in names.enumerated() { try add(name, slot: slot) }
    }

    /// Names under texts that are their slots; other texts are left out. Of texts for one slot, the first in the order of texts counts.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    init(byText names: [String: String], source: String) throws {
        self.init(source: source)
        for (key, name) in names.sorted(by: { $0.key < $1.key }) {
            if let slot = try slot(key), bySlot[slot] == nil { try add(name, slot: slot) }
        }
    }

    /// The slot that a text is the number of; `nil` where it is not a number.
    /// - Throws: `SegmentationError.invalidConfiguration` for a number that is too large to be a slot.
    func slot(_ text: String) throws -> Int? {
        if let slot = Int(text) { return slot }
        guard !text.isEmpty, text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else { return nil }
        throw outOfRange(text.excerpt())
    }

    /// Adds a name. One of a negative slot is left out: no output has such a slot.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    mutating func add(_ name: String, slot: Int) throws {
        guard slot >= 0 else { return }
        guard slot < ModelLimits.slots else { throw outOfRange(String(slot)) }
        guard name.utf8.count <= ModelLimits.nameLength else {
            throw SegmentationError.invalidConfiguration(
                "\(source): the name of class \(slot) has \(name.utf8.count) bytes; at most \(ModelLimits.nameLength) are "
                    + "accepted.")
        }
        bySlot[slot] = name
    }

    func outOfRange(_ slot: String) -> SegmentationError {
        .invalidConfiguration(
            "\(source): class number \(slot) is out of range; numbers from 0 to \(ModelLimits.slots - 1) are accepted. "
                + "Number the classes as the model's outputs do.")
    }
}
