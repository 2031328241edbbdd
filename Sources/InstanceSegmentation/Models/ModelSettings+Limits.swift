import Imaging

extension ModelSettings {
    /// These settings, all of whose numbers are within `ModelLimits`.
    /// - Parameter source: what they are read from, for messages.
    /// - Throws: `SegmentationError.invalidConfiguration`, which names the value found and the values accepted.
    func checked(_ source: String) throws -> ModelSettings {
        func require<Value: Comparable>(_ what: String, _ value: Value?, in range: ClosedRange<Value>) throws {
            guard let value, !range.contains(value) else { return }
            throw SegmentationError.invalidConfiguration(
                "\(source): \(what) is \(value); accepted are values from \(range.lowerBound) to \(range.upperBound).")
        }
        if let names {
            var checked = ClassNames(source: source)
            for (slot, name) in names { try checked.add(name, slot: slot) }
        }
        let sides = 1...ModelLimits.inputSide
        try require("the width of the input", inputSize?.width, in: sides)
        try require("the height of the input", inputSize?.height, in: sides)
        try require("the shortest edge", shortestEdge, in: sides)
        try require("the longest edge", longestEdge, in: sides)
        try require("the divisor of the sides", divisor, in: 1...ModelLimits.divisor)
        try require("the scale", scale, in: ModelLimits.scale)
        for (what, values) in [("mean", mean), ("standard deviation", std)] {
            guard let values, values.count != 3 else { continue }
            throw SegmentationError.invalidConfiguration(
                "\(source): the \(what) has \(values.count) values; expected one for each of three channels.")
        }
        for value in mean ?? [] { try require("a mean", value, in: ModelLimits.mean) }
        for value in std ?? [] {
            try require("the magnitude of a standard deviation", value.magnitude, in: ModelLimits.scale)
        }
        try require("the confidence threshold", confidence, in: 0...1)
        try require("the overlap threshold", iou, in: 0...1)
        try require("the mask threshold", maskThreshold, in: 0...1)
        try require("the maximum number of detections", maxDetections, in: 1...Int.max)
        if case .index(let slot)? = background {
            try require("the slot of the background", slot, in: 0...ModelLimits.slots - 1)
        }
        for case .crop(let left, let top, let right, let bottom) in steps ?? [] {
            guard 0 <= left, left < right, right <= 1, 0 <= top, top < bottom, bottom <= 1 else {
                throw SegmentationError.invalidConfiguration(
                    "\(source): the crop from \(left), \(top) to \(right), \(bottom) is empty or not inside of the image."
                )
            }
        }
        return self
    }
}
