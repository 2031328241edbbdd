/// The numeric precision in which a network runs.
public enum InferencePrecision: String, Sendable, CaseIterable {
    /// 32-bit floats.
    case float32 = "fp32"
    /// 16-bit floats (IEEE 754).
    case float16 = "fp16"
    /// 16-bit floats with the range of 32-bit floats and 8 bits of precision (bfloat16).
    case bfloat16 = "bf16"
    /// 8-bit integers, as stored in a quantized file.
    case int8 = "int8"
}
