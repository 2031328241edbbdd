/// Turns rows of a TIFF file's samples into RGB bytes as Pillow does: of 16 bits the upper 8, of larger numbers those up to 255.
///
/// Source: Pillow, `src/PIL/TiffImagePlugin.py`, `src/libImaging/Unpack.c` and `Convert.c`.
struct TIFFRows {
    private let layout: TIFFLayout
    /// The palette, or the bytes for samples of up to 8 bits.
    private let table: [UInt8]

    init(_ layout: TIFFLayout) {
        self.layout = layout
        let most = layout.bits <= 8 ? (1 << layout.bits) - 1 : 255
        var inverts = false
        if case .gray(let isInverted) = layout.color { inverts = isInverted }
        table = (0...most).map {
            let byte = UInt8(clamping: $0 * 255 / most)  // checked: at most 255 * 255
            return inverts ? 255 - byte : byte
        }
    }

    /// Reduces the samples of a row to one byte each.
    /// - Parameters:
    ///   - row: at least `layout.rowBytes(width:)` bytes; numbers in the machine's byte order, bits from the most significant on.
    ///   - bytes: room for `count` bytes.
    func reduce(_ row: UnsafeRawBufferPointer, count: Int, to bytes: UnsafeMutablePointer<UInt8>) {
        var keepsIndices = false
        if case .palette = layout.color { keepsIndices = true }
        switch (layout.bits, layout.number) {
        case (8, _):
            if keepsIndices || table[0] == 0 {
                for i in 0..<count { bytes[i] = row[i] }
            } else {
                for i in 0..<count { bytes[i] = 255 - row[i] }
            }
        case (16, .unsigned):
            for i in 0..<count { bytes[i] = UInt8(row.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self) >> 8) }
        case (16, .signed):
            for i in 0..<count { bytes[i] = UInt8(clamping: row.loadUnaligned(fromByteOffset: 2 * i, as: Int16.self)) }
        case (32, .unsigned):
            // Pillow takes them for numbers with a sign.
            for i in 0..<count { bytes[i] = UInt8(clamping: row.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self)) }
        case (32, .signed):
            for i in 0..<count { bytes[i] = UInt8(clamping: row.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self)) }
        case (32, .float):
            for i in 0..<count {
                bytes[i] = Self.byte(Double(row.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)))
            }
        case (64, .float):
            for i in 0..<count { bytes[i] = Self.byte(row.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)) }
        default:
            reduceBits(row, count: count, keepsIndices: keepsIndices, to: bytes)
        }
    }

    /// Samples of 1 to 15 bits, packed without gaps.
    private func reduceBits(
        _ row: UnsafeRawBufferPointer, count: Int, keepsIndices: Bool, to bytes: UnsafeMutablePointer<UInt8>
    ) {
        let bits = layout.bits
        let mask = (1 << bits) - 1
        var at = 0, held = 0, available = 0
        for i in 0..<count {
            while available < bits {
                held = (held << 8 | Int(row[at])) & 0xFF_FFFF
                at += 1
                available += 8
            }
            available -= bits
            let value = held >> available & mask
            if bits > 8 {
                bytes[i] = UInt8(truncatingIfNeeded: value >> (bits - 8))
            } else {
                bytes[i] = keepsIndices ? UInt8(truncatingIfNeeded: value) : table[value]
            }
        }
    }

    /// A number clipped to 0...255, its fraction dropped.
    private static func byte(_ value: Double) -> UInt8 {
        value >= 255 ? 255 : value > 0 ? UInt8(value) : 0  // checked: within 0..<255; NaN is 0
    }

    /// Writes a row of pixels as RGB.
    /// - Parameters:
    ///   - bytes: a byte for each sample; those of pixel `x` begin at `x * step`, and each lies `distance` bytes after the one before.
    ///   - output: room for `3 * width` bytes.
    func color(
        _ bytes: UnsafePointer<UInt8>, step: Int, distance: Int, width: Int, to output: UnsafeMutablePointer<UInt8>
    ) {
        switch layout.color {
        case .gray:
            for x in 0..<width {
                var value = bytes[x * step]
                if layout.isPremultiplied, bytes[x * step + distance] > 0 {
                    value = Self.divided(value, by: bytes[x * step + distance])
                }
                (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = (value, value, value)
            }
        case .palette(let palette):
            for x in 0..<width {
                let color = palette[Int(bytes[x * step]) % palette.count]
                (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = (color.red, color.green, color.blue)
            }
        case .rgb, .converted:
            for x in 0..<width {
                let at = x * step
                (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = (
                    bytes[at], bytes[at + distance], bytes[at + 2 * distance]
                )
            }
            guard layout.isPremultiplied else { return }
            for x in 0..<width {
                let opacity = bytes[x * step + 3 * distance]
                for c in 0..<3 { output[3 * x + c] = Self.divided(output[3 * x + c], by: opacity) }
            }
        case .ycbcr:
            for x in 0..<width {
                let at = x * step
                let color = TIFFColors.rgb(y: bytes[at], cb: bytes[at + distance], cr: bytes[at + 2 * distance])
                (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = color
            }
        case .lab:
            for x in 0..<width {
                let at = x * step
                let color = TIFFColors.rgb(l: bytes[at], a: bytes[at + distance], b: bytes[at + 2 * distance])
                (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = color
            }
        case .inks:
            for x in 0..<width {
                let at = x * step
                let light = 255 - Int32(bytes[at + 3 * distance])
                for c in 0..<3 {
                    output[3 * x + c] = .inked(light: light, ink: Int32(bytes[at + c * distance]))
                }
            }
        }
    }

    /// A color before it was multiplied by its opacity. Of invisible pixels Pillow keeps the grays, but not the colors.
    @inline(__always)
    private static func divided(_ value: UInt8, by opacity: UInt8) -> UInt8 {
        switch opacity {
        case 0: 0
        case 255: value
        default: UInt8(clamping: Int(value) * 255 / Int(opacity))
        }
    }
}
