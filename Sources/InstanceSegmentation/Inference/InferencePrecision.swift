/// What numbers a network is run with.
public enum InferencePrecision: String, Sendable, CaseIterable {
    /// 32-bit floats.
    case float32 = "fp32"
    /// 16-bit floats of IEEE 754.
    case float16 = "fp16"
    /// The upper half of 32-bit floats: their range with 8 bits of precision.
    case bfloat16 = "bf16"
    /// 8-bit whole numbers, as a quantized file holds them.
    case int8 = "int8"
}
