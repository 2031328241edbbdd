import Foundation
import Imaging

extension ModelSettings {
    /// Reads a `model.json`. Every key is optional; one that is not known is an error that names it, since a slip of the pen would
    /// otherwise go unnoticed.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    init(modelJSON data: Data) throws {
        var reader = try JSONSettings(data, file: "model.json")
        self.init()
        family = try reader.word("family", of: ModelFamily.self)
        try readNames(&reader)
        classes = try reader.strings("classes").map(Set.init)
        background = try reader.background("backgroundClass")
        inputSize = try reader.size("inputSize")
        resize = try reader.word("resize", of: Resize.self)
        shortestEdge = try reader.integer("shortestEdge", in: 1...ModelLimits.inputSide)
        longestEdge = try reader.integer("longestEdge", in: 1...ModelLimits.inputSide)
        divisor = try reader.integer("divisor", in: 1...ModelLimits.divisor)
        padValue = try reader.integer("padValue", in: 0...255).map(UInt8.init)
        antialias = try reader.boolean("antialias")
        color = try reader.word("color", of: ColorOrder.self)
        scale = try reader.number("scale", in: 1e-6...1e6).map(Float.init)
        mean = try reader.triple("mean")
        std = try reader.triple("std")
        if let std, std.contains(where: { $0 == 0 }) { throw reader.wrong("std", "three numbers other than 0") }
        confidence = try reader.number("confidence", in: 0...1).map(Float.init)
        iou = try reader.number("iou", in: 0...1)
        suppression = try reader.word("suppression", of: Suppression.self)
        isClassAgnostic = try reader.boolean("classAgnostic")
        maxDetections = try reader.integer("maxDetections", in: 1...300)
        maskThreshold = try reader.number("maskThreshold", in: 0...1).map(Float.init)
        outputs = try reader.dictionary("outputs")
        followsReference = try reader.boolean("followsReference")
        _ = try reader.integer("maxBatchSize", in: 1...1024)  // images are run one by one
        _ = try reader.dictionary("colors")
        _ = reader.take("namesFile")  // read with the other files of the folder
        try reader.finish()
    }

    private mutating func readNames(_ reader: inout JSONSettings) throws {
        switch reader.take("names") {
        case nil: break
        case let list as [String]: names = try ClassNames(list, source: "model.json").bySlot
        case let sparse as [String: String]:
            let slots = ClassNames(source: "model.json")
            for key in sparse.keys {
                guard let slot = try slots.slot(key), slot >= 0 else { throw reader.wrong("names", "names by number") }
            }
            names = try ClassNames(byText: sparse, source: "model.json").bySlot
            namesAreSparse = true
        default: throw reader.wrong("names", "a list of names, or an object of names by number")
        }
    }

    /// Reads a `class_names.txt`: one name per line, in the order of the output slots.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    init(classNames text: String, file: String) throws {
        self.init()
        let lines = text.split(whereSeparator: \.isNewline).lazy.map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        names = try ClassNames(lines, source: file).bySlot
    }
}

/// A JSON object that is read key by key; what was not asked for is an error.
struct JSONSettings {
    private let file: String
    private var values: [String: Any]

    init(_ data: Data, file: String) throws {
        self.file = file
        let parsed: Any
        do { parsed = try JSONSerialization.jsonObject(with: data) } catch {
            throw SegmentationError.invalidConfiguration("\(file) is not JSON.")
        }
        guard let values = parsed as? [String: Any] else {
            throw SegmentationError.invalidConfiguration("\(file) is not a JSON object.")
        }
        self.values = values
    }

    /// The value of a key, `nil` where it is absent or null.
    mutating func take(_ key: String) -> Any? {
        let value = values.removeValue(forKey: key)
        return value is NSNull ? nil : value
    }

    func wrong(_ key: String, _ expected: String) -> SegmentationError {
        .invalidConfiguration("\(file): '\(key)' is not what it should be; expected \(expected).")
    }

    mutating func word<Word: RawRepresentable & CaseIterable>(_ key: String, of: Word.Type) throws -> Word?
    where Word.RawValue == String {
        guard let value = take(key) else { return nil }
        guard let text = value as? String, let word = Word(rawValue: text) else {
            throw wrong(key, "one of " + Word.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return word
    }

    mutating func boolean(_ key: String) throws -> Bool? {
        guard let value = take(key) else { return nil }
        guard let flag = value as? Bool else { throw wrong(key, "true or false") }
        return flag
    }

    mutating func number(_ key: String, in range: ClosedRange<Double>) throws -> Double? {
        guard let value = take(key) else { return nil }
        guard let number = value as? Double, range.contains(number) else {
            throw wrong(key, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let value = take(key) else { return nil }
        guard let number = value as? Double, let integer = Int(exactly: number), range.contains(integer) else {
            throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    mutating func triple(_ key: String) throws -> [Float]? {
        guard let value = take(key) else { return nil }
        guard let numbers = value as? [Double], numbers.count == 3, numbers.allSatisfy(\.isFinite) else {
            throw wrong(key, "three numbers")
        }
        return numbers.map(Float.init)
    }

    mutating func strings(_ key: String) throws -> [String]? {
        guard let value = take(key) else { return nil }
        guard let list = value as? [String] else { throw wrong(key, "a list of texts") }
        return list
    }

    mutating func dictionary(_ key: String) throws -> [String: String]? {
        guard let value = take(key) else { return nil }
        guard let pairs = value as? [String: String] else { throw wrong(key, "an object of texts") }
        return pairs
    }

    mutating func size(_ key: String) throws -> ImageSize? {
        guard let value = take(key) else { return nil }
        let sides = (value as? [Double]) ?? (value as? Double).map { [$0, $0] } ?? []
        let integers = sides.compactMap(Int.init(exactly:))
        guard integers.count == 2, integers.allSatisfy({ (1...ModelLimits.inputSide).contains($0) }) else {
            throw wrong(
                key, "a whole number from 1 to \(ModelLimits.inputSide), or [height, width] of such numbers")
        }
        return ImageSize(width: integers[1], height: integers[0])
    }

    /// A slot, `"first"`, `"last"`, or null for none.
    mutating func background(_ key: String) throws -> ModelSettings.Background? {
        guard let value = values.removeValue(forKey: key) else { return nil }
        switch value {
        case is NSNull: return ModelSettings.Background.none
        case let text as String where text == "last": return .last
        case let text as String where text == "first": return .first
        case let number as Double:
            if let slot = Int(exactly: number), (0..<ModelLimits.slots).contains(slot) { return .index(slot) }
        default: break
        }
        throw wrong(key, "a slot's number, \"first\", \"last\" or null")
    }

    /// - Throws: if there are keys that have not been read.
    func finish() throws {
        guard values.isEmpty else {
            let keys = values.keys.sorted().prefix(16).map { $0.excerpt() }
            throw SegmentationError.invalidConfiguration("\(file) has unknown keys: \(keys.joined(separator: ", ")).")
        }
    }
}
