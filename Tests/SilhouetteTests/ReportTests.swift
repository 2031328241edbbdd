import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

/// What commands print for people and for programs.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ReportTests {
    private func evaluate(_ categories: [String], _ arguments: [String]) throws -> Program.Outcome {
        let folder = try TestFiles.temporaryFolder()
        let image = RasterImage.disc(width: 512, height: 384, centerX: 208, centerY: 176, radius: 60)
        try Data(image.encoded(as: .png)).write(to: folder.appending(path: "a.png"))
        let names = categories.enumerated().map { #"{"id": \#($0.offset + 1), "name": "\#($0.element)"}"# }
        // The tiny model finds the square around the disc.
        let objects = categories.indices.map { i in
            #"{"id": \#(i + 1), "image_id": 1, "category_id": \#(i + 1), "bbox": [128, 64, 192, 192], "area": 36864, "iscrowd": 0}"#
        }
        let text = """
            {"images": [{"id": 1, "file_name": "a.png", "width": 512, "height": 384}],
            "categories": [\(names.joined(separator: ","))], "annotations": [\(objects.joined(separator: ","))]}
            """
        let file = folder.appending(path: "truth.json")
        try Data(text.utf8).write(to: file)
        let outcome = try Program.run(
            ["evaluate", "--models", CommandFiles.models(), "--annotations", file.path, "--images", folder.path]
                + arguments)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    @Test func ofCategoriesWithOneNameTheFirstIsReported() throws {
        let outcome = try evaluate([String](repeating: "bright", count: 12) + [""], ["--json"])
        let classes = try #require(try object(outcome.output)["classes"] as? [String: [String: [String: Double]]])
        #expect(Set(classes.keys) == ["bright", "13"])
        #expect((classes["bright"]?["bbox"]?["AP"] ?? 0) > 0.9, "detections count for the first: \(classes)")
    }

    @Test func longNamesOfCategoriesAreWhole() throws {
        let long = "a name of more than eighteen letters 🙂"
        let lines = try evaluate(["bright", long, ""], []).output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix(long + "  ") } && lines.contains { $0.hasPrefix("3  ") }, "\(lines)")
    }

    @Test func benchmarksOfAnyFileNameAreJSON() throws {
        let file = try CommandFiles.picture("a\"b\\\n.png")
        let common = ["benchmark", "--models", try CommandFiles.models(), "--iterations", "1", "--json"]
        let outcome = try Program.run(common + [file])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let result = try object(outcome.output)
        #expect(result["file"] as? String == file && result["model"] as? String == "bright/1")
        #expect(((result["milliseconds"] as? [String: Double])?["total"] ?? 0) > 0)
    }

    @Test func benchmarksNameWhatTheyCannotRead() throws {
        let pipe = try TestFiles.temporaryFolder().appending(path: "pipe.png").path
        #expect(mkfifo(pipe, 0o600) == 0)
        let outcome = try Program.run(["benchmark", "--models", try CommandFiles.models(), "--iterations", "1", pipe])
        #expect(outcome.status != 0 && outcome.errors.contains("pipe.png: It is a named pipe"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("NSCocoa"))
    }

    @Test func labelsOfClassesWithoutANameAreWithinTheDataset() throws {
        let models = try TestFiles.temporaryFolder()
        let folder = models.appending(path: "ready/1")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: TestFiles.fixture("family-ready-unnamed.onnx"), to: folder.appending(path: "model.onnx"))
        let output = try TestFiles.temporaryFolder()
        let file = output.appending(path: "white.png")
        try Data(RasterImage(size: ImageSize(width: 64, height: 32), color: .white).encoded(as: .png)).write(to: file)
        let outcome = try Program.run([
            "predict", "--models", models.path, "--confidence", "1", "--export", "yolo", "--export", "coco", "--output",
            output.path, file.path,
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        func text(_ name: String) throws -> String {
            try String(contentsOf: output.appending(path: name), encoding: .utf8)
        }
        let ids = try text("white.txt").split(separator: "\n").compactMap { Int($0.prefix { $0 != " " }) }
        let names = try text("classes.txt").split(separator: "\n")
        #expect(!ids.isEmpty && names.count == (ids.max() ?? 0) + 1, "\(ids), \(names)")
        #expect(try text("data.yaml").contains("nc: \(names.count)\n"))
    }

    @Test func quantizingTakesTheNamesAlongAndModelsThatOnlyARunTellsApart() throws {
        let root = try TestFiles.temporaryFolder()
        let folder = root.appending(path: "models/free/1")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: TestFiles.fixture("family-columns-free.onnx"), to: folder.appending(path: "model.onnx"))
        try Data(#"{"namesFile": "labels.names"}"#.utf8).write(to: folder.appending(path: "model.json"))
        try Data("a\nb\n".utf8).write(to: folder.appending(path: "labels.names"))
        let python = root.appending(path: "python")
        try Data("#!/bin/sh\n[ \"$1\" = -c ] || cp \"$2\" \"$4\"\n".utf8).write(to: python)
        #expect(chmod(python.path, 0o755) == 0)
        let outcome = try Program.run([
            "models", "quantize", "free/1", "--models", root.appending(path: "models").path, "--images",
            try CommandFiles.picture(), "--python", python.path,
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let copy = root.appending(path: "models/free/1-int8")
        #expect(FileManager.default.fileExists(atPath: copy.appending(path: "labels.names").path))
    }

    @Test func theHelpSaysWhichOptionsHaveVariables() throws {
        let help = try Program.run(["--help"]).output
        #expect(help.contains("Every option of serve"))
        // What the help names for other commands than serve is among their options.
        let commands = ["predict", "evaluate", "benchmark", "models quantize", "keys list"]
        let options = try commands.map {
            try Program.run($0.split(separator: " ").map(String.init) + ["--help"]).output
        }
        .joined()
        let listed = help.matches(of: /--[a-z-]+/).map { String($0.output) }.filter {
            $0 != "--help" && $0 != "--version"
        }
        #expect(listed.count >= 12)
        for option in listed { #expect(options.contains(option), "\(option)") }
    }
}
