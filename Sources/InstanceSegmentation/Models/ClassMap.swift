/// Which of a network's class slots are served, under which names, and which index of the served list each has.
///
/// Families count differently: some have a slot for the background or for "no object", some count from 1, some have gaps. What
/// is served is always a list without gaps, and a detection's class is an index into it.
struct ClassMap: Sendable {
    /// The served names.
    let names: [String]
    private let indices: [Int: Int]
    /// Where neither the graph nor a file says how many classes there are: from this slot on each is served under its number.
    private let openFrom: Int?

    /// - Parameters:
    ///   - slots: how many there are; `nil` where the graph does not say.
    ///   - first: the first slot that can be a class.
    ///   - background: a slot that is none.
    /// - Throws: `SegmentationError.invalidConfiguration` where there are more slots than `ModelLimits` allow.
    init(slots: Int?, _ configuration: ModelConfiguration, first: Int = 0, background: Int? = nil) throws {
        if let slots, slots > ModelLimits.slots {
            throw SegmentationError.invalidConfiguration(
                "The outputs declare \(slots) class slots; at most \(ModelLimits.slots) are accepted. Check the export: the "
                    + "outputs may be those of another family.")
        }
        let known = configuration.names
        let background = configuration.settings.background.map { $0.slot(of: slots ?? 0) } ?? background
        var names: [String] = []
        var indices: [Int: Int] = [:]
        for slot in first..<max(slots ?? ((known.keys.max() ?? -1) + 1), first) where slot != background {
            guard let name = known[slot] ?? (configuration.dropsUnnamedClasses ? nil : String(slot)),
                configuration.settings.classes?.contains(name) ?? true
            else { continue }
            indices[slot] = names.count
            names.append(name)
        }
        self.names = names
        self.indices = indices
        openFrom = slots == nil && known.isEmpty ? first : nil
    }

    /// The served class of a slot; `nil` for one that is none.
    subscript(slot: Int) -> (id: Int, name: String)? {
        if let openFrom {
            return slot >= openFrom && slot < ModelLimits.slots ? (slot - openFrom, String(slot)) : nil
        }
        return indices[slot].map { ($0, names[$0]) }
    }
}
