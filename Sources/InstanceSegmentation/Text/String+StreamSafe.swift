extension String {
    /// Text from elsewhere, of which at most 30 combining marks are kept in a row (the Stream-Safe Text Format of Unicode Standard
    /// Annex 15). Comparing or hashing a text, and splitting it into characters, takes time that grows with the square of
    /// their number.
    package init(streamSafe bytes: some Collection<UInt8>) {
        self.init(streamSafe: String(decoding: bytes, as: UTF8.self))
    }

    /// The same for a text.
    package init(streamSafe text: String) {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else {
            self = text
            return
        }
        var kept = String.UnicodeScalarView()
        var marks = 0
        for scalar in text.unicodeScalars {
            let isMark = scalar.value >= 0x300 && scalar.properties.canonicalCombiningClass != .notReordered
            marks = isMark ? marks + 1 : 0
            if marks <= 30 { kept.append(scalar) }
        }
        self = String(kept)
    }
}
