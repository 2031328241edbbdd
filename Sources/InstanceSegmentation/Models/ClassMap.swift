/// Which of a network's class slots are served, under which names, and which index of the served list each has.
///
/// Families count differently: some have a slot for the background or for "no object", some count from 1, some have gaps. What
/// is served is always a list without gaps, and a detection's class is an index into it.
struct ClassMap: Sendable {
    /// The served names.
    let names: [String]
    /// What an operator should know of the names, in sentences: that their number is not that of the classes, for example.
    let remarks: [String]
    private let indices: [Int: Int]
    /// Where neither the graph nor a file says how many classes there are: from this slot on each is served under its number.
    private let openFrom: Int?
    /// Only these are served.
    private let wanted: Set<String>?

    /// - Parameters:
    ///   - slots: how many there are; `nil` where the graph does not say.
    ///   - first: the first slot that can be a class.
    ///   - background: a slot that is not a class.
    ///   - endsWithNames: whether slots beyond a list of names are not classes, rather than classes without a name.
    /// - Throws: `SegmentationError.invalidConfiguration` where there are more slots than `ModelLimits` allow.
    init(
        slots: Int?, _ configuration: ModelConfiguration, first: Int = 0, background: Int? = nil,
        endsWithNames: Bool = false
    ) throws {
        if let slots, slots > ModelLimits.slots {
            throw SegmentationError.invalidConfiguration(
                "The outputs declare \(slots) class slots; at most \(ModelLimits.slots) are accepted. Check the export: the "
                    + "outputs may be those of another family.")
        }
        let known = configuration.names
        let isList = !known.isEmpty && !configuration.dropsUnnamedClasses
        let nameEnd = (known.keys.max() ?? -1) + 1
        let removed = (configuration.settings.removedNames ?? []).union([ModelConfiguration.roboflowBackground])
        let background = configuration.settings.background.map { $0.slot(of: slots ?? 0) } ?? background
        let end = slots.map { isList && endsWithNames ? min($0, nameEnd) : $0 } ?? nameEnd
        wanted = configuration.settings.classes
        var names: [String] = []
        var indices: [Int: Int] = [:]
        var unnamed = 0
        for slot in first..<max(end, first) where slot != background {
            if known[slot] == nil { unnamed += 1 }
            if let name = known[slot], removed.contains(name) { continue }
            guard let name = known[slot] ?? (configuration.dropsUnnamedClasses ? nil : String(slot)),
                wanted?.contains(name) ?? true
            else { continue }
            indices[slot] = names.count
            names.append(name)
        }
        self.names = names
        self.indices = indices
        openFrom = slots == nil && !configuration.dropsUnnamedClasses ? max(nameEnd, first) : nil
        let surplus = known.keys.count { $0 >= end || $0 < first && $0 != background }
        // Where slots end with the names, one more is that of "no object".
        let spare = endsWithNames && isList ? max((slots ?? end) - end - 1, 0) : 0
        if known.isEmpty {
            remarks = slots == nil ? [] : ["There are no class names; classes are served under their numbers."]
        } else if surplus > 0 || spare > 0 || unnamed > 0 && isList {
            let total = slots.map { max($0 - first - (background.map { (first..<$0).contains($0) ? 1 : 0 } ?? 0), 0) }
            remarks = [
                "There are \(known.count) class names for \(total.map(String.init) ?? "an unknown number of") classes. "
                    + "Classes without a name are \(endsWithNames ? "not served" : "served under their numbers"), "
                    + "and names without a class are not used."
            ]
        } else {
            remarks = []
        }
    }

    /// The served class of a slot; `nil` for one that is not a class.
    subscript(slot: Int) -> (id: Int, name: String)? {
        if let index = indices[slot] { return (index, names[index]) }
        guard let openFrom, slot >= openFrom, slot < ModelLimits.slots, wanted?.contains(String(slot)) ?? true else {
            return nil
        }
        return (names.count + slot - openFrom, String(slot))
    }
}
