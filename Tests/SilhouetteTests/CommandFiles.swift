import Foundation
import ImageCodecs
import Imaging
import TestSupport

/// What commands are run on.
enum CommandFiles {
    /// A folder of models with the tiny one of the fixtures.
    static func models() throws -> String {
        let root = try TestFiles.temporaryFolder()
        let folder = root.appending(path: "bright/1")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: TestFiles.fixture("bright.onnx"), to: folder.appending(path: "model.onnx"))
        return root.path
    }

    /// An image file with a disc that the tiny model finds.
    static func picture(_ name: String = "disc.png") throws -> String {
        let file = try TestFiles.temporaryFolder().appending(path: name)
        let format = ImageFormat.allCases.first { $0.fileExtensions.contains(file.pathExtension) } ?? .png
        let image = RasterImage.disc(width: 512, height: 384, centerX: 208, centerY: 176, radius: 60)
        try Data(image.encoded(as: format)).write(to: file)
        return file.path
    }
}
