import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct DecodeTests {
    private func image(_ name: String = "image.png") throws -> (path: String, image: RasterImage) {
        let file = try TestFiles.temporaryFolder().appending(path: name)
        let image = RasterImage.gradient(width: 30, height: 20)
        try Data(image.encoded(as: .png)).write(to: file)
        return (file.path, image)
    }

    @Test(arguments: ["png", "ppm"]) func anImageIsWrittenAsItIsSeen(ending: String) throws {
        let (path, image) = try image()
        let output = try TestFiles.temporaryFolder().appending(path: "seen.\(ending)")
        let outcome = try Program.run(["decode", path, "--output", output.path])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let written = [UInt8](try Data(contentsOf: output))
        if ending == "ppm" {
            #expect(written == Array("P6\n30 20\n255\n".utf8) + image.pixels)
        } else {
            #expect(try RasterImage(decoding: written).pixels == image.pixels)
        }
        #expect(try Program.run(["decode", path, "--output", output.path]).status == 1)
        #expect(try Program.run(["decode", path, "--output", path, "--overwrite"]).status == 1)
    }

    @Test func theLimitOfPixelsIsAnOptionAndAVariable() throws {
        let (path, _) = try image()
        let output = try TestFiles.temporaryFolder().appending(path: "seen.png").path
        for (arguments, environment) in [(["--max-pixels", "599"], [:]), ([], ["SILHOUETTE_MAX_PIXELS": "599"])] {
            let outcome = try Program.run(["decode", path, "--output", output] + arguments, environment: environment)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("30x20 pixels; the limit is 599"))
        }
        #expect(try Program.run(["decode", path, "--output", output, "--max-pixels", "600"]).status == 0)
        for value in ["0", "-1", "many", "99999999999999"] {
            #expect(try Program.run(["serve", "--max-pixels", value]).status == 64)
        }
    }
}
