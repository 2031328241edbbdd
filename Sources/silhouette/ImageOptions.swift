import ArgumentParser
import ImageCodecs

/// The bounds of the images that are decoded.
struct ImageOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Largest image that is decoded, width times height.", valueName: "pixels"))
    var maxPixels = environment("MAX_PIXELS").flatMap { Int($0) } ?? ImageLimits.defaultPixels

    func validate() throws {
        try requireIntegers("MAX_PIXELS")
        guard (1...Self.mostPixels).contains(maxPixels) else {
            throw ValidationError("--max-pixels must be from 1 to \(Self.mostPixels).")
        }
    }

    /// 65,535 pixels on both sides.
    private static let mostPixels = 65_535 * 65_535

    var limits: ImageLimits { ImageLimits(pixels: maxPixels) }
}
