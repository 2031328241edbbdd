import Foundation

/// e to the power of a number.
func exponential(_ x: Float) -> Float { Foundation.exp(x) }

/// The logit of a probability between 0 and 1, both excluded: the inverse of `sigmoid`.
func logit(_ probability: Float) -> Float { -Foundation.log(1 / probability - 1) }

/// The probabilities that logits stand for when exactly one of them is right.
func softmax(_ logits: UnsafeBufferPointer<Float>.SubSequence) -> [Float] {
    let largest = logits.max() ?? 0
    let powers = logits.map { exponential($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}
