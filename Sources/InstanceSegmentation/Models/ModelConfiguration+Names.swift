extension ModelConfiguration {
    /// The name under which Roboflow's trainings list the background among their classes.
    static let roboflowBackground = "background_class83422"

    /// Names that tools write for the slot of the background, in lower case.
    private static let backgroundNames: Set = [
        "__background__", "_background_", "background", "bg", "__bg__", "unlabeled", "n/a", "none", "no object", "",
    ]

    /// Whether the first slot is named as the background.
    var startsWithBackground: Bool {
        names[0].map { Self.backgroundNames.contains($0.lowercased()) || $0 == Self.roboflowBackground } ?? false
    }

    /// Whether the names are COCO's 80, in their order and without gaps.
    var hasNamesOfCOCO: Bool {
        names.count == 80
            && names == Dictionary(uniqueKeysWithValues: COCOCategories.contiguous.enumerated().map { ($0, $1) })
    }

    /// Names the slots by COCO's category numbers, which have gaps; those without a name are never right.
    mutating func useCOCOCategories() {
        names = COCOCategories.names
        dropsUnnamedClasses = true
    }

    /// Names for a network that counts its classes from 1 and never answers 0: a list that does not begin with the background
    /// begins with class 1.
    mutating func startNamesAtOne() {
        guard names[0] != nil, !startsWithBackground else { return }
        if hasNamesOfCOCO { return useCOCOCategories() }
        names = Dictionary(uniqueKeysWithValues: names.map { ($0.key + 1, $0.value) })
    }

    /// Names for outputs without the background's column, for a list that begins with the background.
    /// - Parameter count: the number of classes.
    mutating func dropNamedBackground(ofClasses count: Int?) {
        guard startsWithBackground, let count, names.count == count + 1 else { return }
        names = Dictionary(uniqueKeysWithValues: names.filter { $0.key > 0 }.map { ($0.key - 1, $0.value) })
    }
}
