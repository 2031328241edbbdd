import ArgumentParser
import Foundation
import ImageCodecs
import Imaging

/// Shows what a network is given of an image file.
struct DecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Writes an image as the server sees it: upright, in RGB, without its opacity.",
        discussion: """
            Shows what a model is given of an unusual file, such as one with a palette, 16 bits, inks or an orientation. \
            Of an animation or a file of several pages it is the first image. The output is PNG, JPEG, WebP or PPM, \
            by the ending of its name.
            """)

    @Argument(help: ArgumentHelp("An image file.", valueName: "image"))
    var image: String

    @Option(help: ArgumentHelp("The file to write: .png, .jpg, .webp or .ppm.", valueName: "file"))
    var output: String

    @Flag(help: "Replace the output where it exists already. The input is never replaced.")
    var overwrite = false

    @OptionGroup var images: ImageOptions

    func validate() throws {
        try requireSwitches("OVERWRITE")
        guard outputFormat != nil || isPortableMap else {
            throw ValidationError("--output takes a file that ends in .png, .jpg, .webp or .ppm; '\(output)' does not.")
        }
    }

    func run() async throws {
        let decoded = try reporting(image) {
            try EncodedImage(RegularFile.contents(of: image), limits: images.limits).decode()
        }
        try reporting(output) {
            try OutputFile.writeOrStream(
                encode(decoded), to: output, overwrites: overwrite || environmentFlag("OVERWRITE"),
                sparing: ProtectedFiles([image]))
        }
    }

    /// Names the file that a step failed at.
    private func reporting<Result>(_ file: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            report("\(file): \(FileProblem.reason(of: error))")
            throw ExitCode(1)
        }
    }

    private var outputFormat: ImageFormat? { PrecisionRecallPlot.format(of: output) }
    private var isPortableMap: Bool { output.lowercased().hasSuffix(".ppm") }

    private func encode(_ image: RasterImage) throws -> Data {
        if let outputFormat { return Data(try image.encoded(as: outputFormat, quality: 95)) }
        return Data("P6\n\(image.size.width) \(image.size.height)\n255\n".utf8) + Data(image.pixels)
    }
}
