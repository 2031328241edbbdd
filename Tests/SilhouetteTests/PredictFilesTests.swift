import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

/// What `predict` and `evaluate` do to files, with the built program.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PredictFilesTests {
    private let folder: URL
    private let models: String

    init() throws {
        folder = try TestFiles.temporaryFolder()
        let model = try TestFiles.temporaryFolder()
        models = model.path
        try FileManager.default.createDirectory(
            at: model.appending(path: "bright/1"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: TestFiles.fixture("bright.onnx"), to: model.appending(path: "bright/1/model.onnx"))
    }

    /// Writes images of a disc, whatever their names end in.
    private func images(_ names: String...) throws {
        let image = RasterImage.disc(width: 512, height: 384, centerX: 208, centerY: 176, radius: 60)
        let bytes = Data(try image.encoded(as: .jpeg))
        for name in names { try write(bytes, name) }
    }

    private func write(_ bytes: Data, _ name: String) throws {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: file)
    }

    private func bytes(_ name: String) -> Data? { try? Data(contentsOf: folder.appending(path: name)) }

    /// The files below a folder.
    private func files(_ name: String) -> [String] {
        let root = folder.appending(path: name).path
        return (FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []).filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: root + "/" + $0, isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }

    /// Runs `predict` in the folder.
    private func predict(_ arguments: String..., environment: [String: String] = [:]) throws -> Program.Outcome {
        try run(["predict", "--models", models] + arguments, environment: environment)
    }

    /// Runs the program in the folder, for 60 seconds at most: a test that waits for ever tells nothing.
    private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Program.Outcome {
        let process = Program.process(arguments, environment: environment)
        process.currentDirectoryURL = folder
        let logs = try TestFiles.temporaryFolder()
        let (output, errors) = (logs.appending(path: "out"), logs.appending(path: "err"))
        for file in [output, errors] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let end = Date(timeIntervalSinceNow: 60)
        while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.01) }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        return Program.Outcome(
            status: process.terminationStatus, output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }

    @Test func inputsAreNeverOverwritten() throws {
        try images("in/img.jpg", "in/b.png")
        let files = FileManager.default
        for name in ["hard", "soft", "in/sub"] {
            try files.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        try files.linkItem(
            at: folder.appending(path: "in/img.jpg"), to: folder.appending(path: "hard/img.jpg"))
        try files.createSymbolicLink(
            atPath: folder.appending(path: "soft/img.jpg").path, withDestinationPath: "../in/img.jpg")
        try files.createSymbolicLink(
            atPath: folder.appending(path: "alias").path, withDestinationPath: "in")
        let before = bytes("in/img.jpg")
        for place in ["in", "in/", "./in", "in/sub/..", "hard", "soft", "alias", folder.appending(path: "in").path] {
            for more in [[], ["--overwrite"]] {
                let outcome = try run(["predict", "--models", models, "in", "--save", place] + more)
                #expect(outcome.status == 1, "\(place): \(outcome.errors)")
                #expect(outcome.errors.contains("would replace an input"), "\(outcome.errors)")
                #expect(outcome.output.isEmpty, "it is refused before anything is run")
            }
        }
        #expect(bytes("in/img.jpg") == before)
        #expect(self.files("in") == ["b.png", "img.jpg"])
        try write(try #require(before), "in/photo.txt")
        let outcome = try predict("in/photo.txt", "--export", "yolo", "--output", "in", "--overwrite")
        #expect(outcome.status == 1 && bytes("in/photo.txt") == before, "\(outcome.errors)")
    }

    @Test func filesOfTheModelAreNeverOverwritten() throws {
        try images("model.jpg")
        let settings = models + "/bright/1/model.json"
        try Data("{}".utf8).write(to: URL(filePath: settings))
        let outcome = try predict(
            "model.jpg", "--export", "labelme", "--output", models + "/bright/1", "--overwrite")
        #expect(outcome.status == 1 && outcome.errors.contains("file of the model"), "\(outcome.errors)")
        #expect(try String(contentsOfFile: settings, encoding: .utf8) == "{}")
    }

    @Test func imagesOfOneNameHaveOutputsOfTheirOwn() throws {
        try images("a/img.jpg", "a/img.png", "b/img.jpg")
        let outcome = try predict(
            "a/img.jpg", "a/img.png", "b/img.jpg", "./a/img.jpg", "--save", "out", "--output", "out", "--export",
            "yolo", "--export", "coco", "--export", "cvat", "--export", "labelme", "--export", "cutout")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            files("out") == [
                "a/img.jpg-1-bright.png", "a/img.jpg.jpg", "a/img.jpg.json", "a/img.jpg.txt",
                "a/img.png-1-bright.png", "a/img.png.jpg", "a/img.png.json", "a/img.png.txt",
                "b/img-1-bright.png", "b/img.jpg", "b/img.json", "b/img.txt",
                "classes.txt", "coco.json", "cvat.xml", "data.yaml",
            ])
        #expect(outcome.errors.contains("3 of 3 images done, 16 files written to 'out'"), "\(outcome.errors)")
        let coco = String(decoding: bytes("out/coco.json") ?? Data(), as: UTF8.self)
        let cvat = String(decoding: bytes("out/cvat.xml") ?? Data(), as: UTF8.self)
        for name in ["a/img.jpg", "a/img.png", "b/img.jpg"] {
            #expect(coco.components(separatedBy: "\"file_name\":\"\(name)\"").count == 2)
            #expect(cvat.components(separatedBy: " name=\"\(name)\"").count == 2)
        }
        let labels = String(decoding: bytes("out/a/img.png.json") ?? Data(), as: UTF8.self)
        #expect(labels.contains("\"imagePath\":\"../../a/img.png\""))
        let dataset = String(decoding: bytes("out/data.yaml") ?? Data(), as: UTF8.self)
        #expect(dataset.hasPrefix("train: \"..\"\nval: \"..\"\nnc: 2\nnames:\n  0: \"bright\"\n"), "\(dataset)")
    }

    /// Names with any character are read and written, and told in one line.
    @Test func namesMayHaveAnyCharacter() throws {
        let names = [
            "-x.jpg", "--json.jpg", "a\nb.jpg", "q\"uo'te.jpg", "ü\u{301}.jpg", "..jpg", "a..jpg", "tab\there.jpg",
            "esc\u{1B}[31m.jpg",
            "$(x) `y`.jpg", "per%41cent.jpg", "back\\slash.jpg", "x;y&z.jpg", "#?.jpg", "日本.jpg", "e\u{301}.jpg",
            "é.png",
            String(repeating: "n", count: 230) + ".jpg",
        ]
        for name in names { try images("in/" + name) }
        let outcome = try predict(
            "in", "--json", "--output", "out", "--export", "yolo", "--export", "labelme", "--export", "coco",
            "--export", "cvat",
            "--save", "saved")
        // A name that begins with a period is hidden.
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("\(names.count - 1) of \(names.count - 1) images done"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("\u{1B}") && outcome.output.split(separator: "\n").count == names.count - 1)
        #expect(files("saved").count == names.count - 1)
        #expect(files("out").count == 2 * (names.count - 1) + 4)
        for name in files("out") where name.hasSuffix(".json") && name != "coco.json" {
            let json = try #require(bytes("out/" + name))
            let labels = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
            let path = try #require(labels["imagePath"] as? String)
            #expect(path.hasPrefix("../in/") && bytes("out/" + path) != nil, "\(path)")
        }
        let single = try predict("--output", "dash", "--export", "geojson", "--", "in/-x.jpg")
        #expect(single.status == 0 && files("dash") == ["-x.geojson"], "\(single.errors)")
        let broken = try {
            try write(Data("junk".utf8), "bad\n\u{1B}[2J.jpg"); return try predict("bad\n\u{1B}[2J.jpg")
        }()
        #expect(broken.status == 1 && broken.errors.contains("bad\\n\\x1b[2J.jpg: "), "\(broken.errors)")
    }

    /// LabelMe reads an image from the path that its file names, relative to that file; links on the way count.
    @Test func labelsNameTheirImagesFromAnyFolder() throws {
        try images("in/sub/a.jpg", "in/b.jpg")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "far/deep"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.appending(path: "near").path, withDestinationPath: "far/deep")
        for place in ["near", "far", "in", folder.appending(path: "far/deep/x").path] {
            let outcome = try predict(
                "in/sub/a.jpg", "in/b.jpg", "--output", place, "--export", "labelme", "--overwrite")
            #expect(outcome.status == 0, "\(outcome.errors)")
            for (labels, image) in [("sub/a.json", "in/sub/a.jpg"), ("b.json", "in/b.jpg")] {
                let file = place.hasPrefix("/") ? URL(filePath: place) : folder.appending(path: place)
                let json = try Data(contentsOf: file.appending(path: labels))
                let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
                let path = try #require(object["imagePath"] as? String)
                let found = file.appending(path: labels).deletingLastPathComponent().path + "/" + path
                #expect(FileManager.default.contents(atPath: found) == bytes(image), "\(place): \(path)")
            }
        }
    }

    @Test func imagesOfOneFolderKeepTheirNames() throws {
        try images("in/a.jpg", "in/b.png", "in/coco.jpg", "in/classes.jpg", "in/.hidden.jpg", "in/._a.jpg")
        let outcome = try predict(
            "in", "--save", "saved", "--output", "labels", "--export", "yolo", "--export", "labelme", "--export",
            "coco",
            "--export", "mask", "--export", "geojson")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(files("saved") == ["a.jpg", "b.jpg", "classes.jpg.jpg", "coco.jpg.jpg"])
        #expect(
            files("labels") == [
                "a-mask.png", "a.geojson", "a.json", "a.txt", "b-mask.png", "b.geojson", "b.json", "b.txt",
                "classes.jpg-mask.png", "classes.jpg.geojson", "classes.jpg.json", "classes.jpg.txt", "classes.txt",
                "coco.jpg-mask.png", "coco.jpg.geojson", "coco.jpg.json", "coco.jpg.txt", "coco.json", "data.yaml",
            ])
        #expect(bytes("labels/classes.txt") == Data("bright\nd'im\n".utf8))
        #expect(String(decoding: bytes("labels/coco.json") ?? Data(), as: UTF8.self).hasPrefix("{\"info\""))
    }

    @Test func outputsOfAnEarlierRunAreReplacedOnlyWhenThatIsAsked() throws {
        try images("in/a.jpg", "in/b.jpg", "in/c.jpg")
        let common = ["predict", "--models", models, "in", "--save", "out", "--output", "out", "--export", "cutout"]
        try write(Data("precious".utf8), "out/b.jpg")
        let refused = try run(common)
        #expect(refused.status == 1 && refused.output.isEmpty)
        #expect(refused.errors.contains("'out/b.jpg' exists already") && refused.errors.contains("--overwrite"))
        #expect(bytes("out/b.jpg") == Data("precious".utf8) && files("out") == ["b.jpg"])

        #expect(try run(common + ["--overwrite"]).status == 0)
        let all = ["a-1-bright.png", "a.jpg", "b-1-bright.png", "b.jpg", "c-1-bright.png", "c.jpg"]
        #expect(files("out") == all)
        let again = try run(common)
        #expect(again.status == 1 && again.errors.contains("6 output files exist already; the first is 'out/"))
        for name in ["a.jpg", "b.jpg", "c.jpg"] {
            try FileManager.default.removeItem(at: folder.appending(path: "out/\(name)"))
        }
        #expect(try run(common).errors.contains("3 output files exist already; the first is 'out/a-1-bright.png'"))
        #expect(try run(common, environment: ["SILHOUETTE_OVERWRITE": "1"]).status == 0)
        #expect(files("out") == all)
    }

    @Test func whatCannotBeReadIsNamedAndTheRestIsDone() throws {
        try images("in/1.jpg", "in/9.jpg")
        let root = folder.appending(path: "in")
        try FileManager.default.createDirectory(at: root.appending(path: "2.jpg"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: root.appending(path: "3.jpg").path, withDestinationPath: "nowhere.jpg")
        #expect(mkfifo(root.appending(path: "4.jpg").path, 0o644) == 0)
        try write(Data(), "in/5.jpg")
        try write(Data("junk".utf8), "in/6.jpg")
        let outcome = try predict(
            "in", "none.jpg", "in/2.jpg", "--json", "--output", "out", "--export", "coco", "--export", "yolo")
        #expect(outcome.status == 1)
        for line in [
            "There is no file 'none.jpg'.", "The folder 'in/2.jpg' has no images in it.", "in/2.jpg: It is a folder",
            "in/3.jpg: It is a symbolic link to 'nowhere.jpg', which does not exist.", "in/4.jpg: It is a named pipe",
            "in/5.jpg: The file is empty.", "in/6.jpg: The data is not an image", "2 of 9 images done, 7 failed",
        ] {
            #expect(outcome.errors.contains("silhouette: " + line), "\(outcome.errors)")
        }
        #expect(!outcome.errors.contains("Domain="))
        #expect(files("out") == ["1.txt", "9.txt", "classes.txt", "coco.json", "data.yaml"])
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines { #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) } }
        let nothing = try predict("none.jpg", "in/3.jpg")
        #expect(nothing.status == 1 && nothing.output.isEmpty && nothing.errors.contains("in/3.jpg: It is a symbolic"))
    }

    @Test(.enabled(if: geteuid() != 0, "the superuser may read everything"))
    func aFileWithoutPermissionIsNamed() throws {
        try images("in/1.jpg", "in/2.jpg")
        #expect(chmod(folder.appending(path: "in/1.jpg").path, 0) == 0)
        let outcome = try predict("in", "--save", "out")
        #expect(outcome.status == 1 && outcome.errors.contains("in/1.jpg: Permission denied."), "\(outcome.errors)")
        #expect(files("out") == ["2.jpg"])
    }

    @Test func anOutputThatCannotBeWrittenDoesNotLoseTheOthers() throws {
        try images("in/1.jpg", "in/2.jpg")
        try write(Data("x".utf8), "out/1.jpg/keep")
        let outcome = try predict("in", "--save", "out", "--export", "coco", "--output", "out")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("silhouette: out/1.jpg: It is a folder."), "\(outcome.errors)")
        #expect(outcome.errors.contains("2 of 2 images done, 2 files written to 'out', 1 could not be written."))
        #expect(files("out") == ["1.jpg/keep", "2.jpg", "coco.json"], "and nothing half written")
        let file = try predict("in", "--save", "out/2.jpg")
        #expect(file.status == 1 && file.errors.contains("'out/2.jpg': 'out/2.jpg' is not a folder."), "\(file.errors)")
        #expect(!file.errors.contains("Domain="))
    }

    @Test func evaluateNamesWhatItCannotReadAndMeasuresTheRest() throws {
        try images("in/1.jpg", "in/4.jpg")
        try write(Data("junk".utf8), "in/2.jpg")
        let ids = 1...4
        let list = ids.map { "{\"id\":\($0),\"file_name\":\"\($0).jpg\",\"width\":512,\"height\":384}" }
        let objects = ids.map {
            "{\"id\":\($0),\"image_id\":\($0),\"category_id\":1,\"bbox\":[128,64,192,192],\"area\":36864,\"iscrowd\":0}"
        }
        let truth =
            "{\"images\":[\(list.joined(separator: ","))],\"categories\":[{\"id\":1,\"name\":\"bright\"}],"
            + "\"annotations\":[\(objects.joined(separator: ","))]}"
        try write(Data(truth.utf8), "truth.json")
        func evaluate(_ arguments: String...) throws -> Program.Outcome {
            try run(["evaluate", "--models", models, "--annotations", "truth.json", "--images", "in"] + arguments)
        }
        let outcome = try evaluate("--save-detections", "found.json", "--plot", "curve.png")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("in/2.jpg: The data is not an image"), "\(outcome.errors)")
        #expect(outcome.errors.contains("in/3.jpg: The file does not exist."))
        #expect(outcome.errors.contains("2 of 4 images could not be read"))
        #expect(outcome.output.contains("bright/1 on 2 ") && outcome.output.contains("2 of 2 objects found"))
        #expect(bytes("found.json") != nil && bytes("curve.png") != nil)

        for (arguments, text) in [
            (["--save-detections", "found.json"], "--save-detections 'found.json' exists already"),
            (["--save-detections", "./truth.json", "--overwrite"], "would replace a file that this run reads"),
            (["--plot", "in/1.jpg", "--overwrite"], "would replace a file that this run reads"),
            (["--plot", "new.png", "--save-detections", "./new.png"], "both name 'new.png'"),
            (["--plot", "none/new.png"], "There is no folder 'none'"),
        ] as [([String], String)] {
            let refused = try run(
                ["evaluate", "--models", models, "--annotations", "truth.json", "--images", "in"] + arguments)
            #expect(refused.status == 1 && refused.output.isEmpty, "\(arguments)")
            #expect(refused.errors.contains(text), "\(refused.errors)")
        }
        #expect(bytes("truth.json") == Data(truth.utf8))
        let streamed = try evaluate("--save-detections", "/dev/stdout", "--overwrite")
        #expect(streamed.output.contains("\"category_id\":1"), "\(streamed.errors)")
        let missing = try run(["evaluate", "--models", models, "--annotations", "none", "--images", "in"])
        #expect(missing.errors.contains("--annotations 'none': The file does not exist."), "\(missing.errors)")
    }

    @Test func quantizeLeavesOutWhatItCannotRead() throws {
        try images("in/1.jpg")
        try write(Data("junk".utf8), "in/0.jpg")
        let python = folder.appending(path: "python").path
        try write(Data("#!/bin/sh\n[ \"$1\" = -c ] || cp \"$2\" \"$4\"\n".utf8), "python")
        #expect(chmod(python, 0o755) == 0)
        try Data("bright\ndim\n".utf8).write(to: URL(filePath: models + "/bright/1/class_names.txt"))
        let arguments = [
            "models", "quantize", "bright/1", "--models", models, "--images", "in", "--images", "none", "--python",
            python,
        ]
        let outcome = try run(arguments)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("in/0.jpg: The data is not an image"), "\(outcome.errors)")
        #expect(outcome.errors.contains("There is no file 'none'."))
        #expect(outcome.output.contains("measured on 1 image.") && outcome.output.contains("Speed of both"))
        let files = FileManager.default
        #expect(try files.contentsOfDirectory(atPath: models + "/bright").sorted() == ["1", "1-int8"])
        #expect(
            try files.contentsOfDirectory(atPath: models + "/bright/1-int8").sorted() == [
                "class_names.txt", "model.onnx",
            ])
        let again = try run(arguments)
        #expect(again.status != 0 && again.errors.contains("exists; choose another --version"))
        let none = try run(Array(arguments.prefix(5)) + ["--images", "in/0.jpg", "--version", "2", "--python", python])
        #expect(none.status == 1 && none.errors.contains("There is no image that can be read in in/0.jpg."))
        #expect(try files.contentsOfDirectory(atPath: models + "/bright").sorted() == ["1", "1-int8"])
    }
}
