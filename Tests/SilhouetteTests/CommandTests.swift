import Foundation
import ImageCodecs
import Imaging
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct CommandTests {
    @Test func predictPrintsATable() throws {
        let outcome = try Program.run(["predict", "--models", CommandFiles.models(), try CommandFiles.picture()])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("512x384  1 object "))
        #expect(outcome.output.contains("bright"))
        #expect(outcome.output.contains("128,64 192x192"))
    }

    @Test func predictPrintsOneLineOfJSONAPictureAndReportsWhatItCannotRead() throws {
        let good = try CommandFiles.picture()
        let bad = try TestFiles.temporaryFolder().appending(path: "bad.png").path
        try Data("not a picture".utf8).write(to: URL(filePath: bad))
        let other = try CommandFiles.picture("other.png")
        let outcome = try Program.run(["predict", "--models", CommandFiles.models(), "--json", good, bad, other, good])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("bad.png: The data is not an image"))
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2)
        for (line, file) in zip(lines, [good, other]) {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(Set(object.keys) == ["file", "inference_id", "time", "image", "predictions"])
            #expect(object["file"] as? String == file)
            #expect((object["predictions"] as? [Any])?.count == 1)
        }
    }

    @Test func predictSavesPicturesOfTheSameSize() throws {
        let folder = try TestFiles.temporaryFolder().appending(path: "out").path
        let outcome = try Program.run([
            "predict", "--models", CommandFiles.models(), "--save", folder, try CommandFiles.picture("a.jpg"),
        ])
        #expect(outcome.status == 0)
        let saved = try RasterImage(decoding: [UInt8](Data(contentsOf: URL(filePath: folder + "/a.jpg"))))
        #expect(saved.size == ImageSize(width: 512, height: 384))
    }

    @Test func wrongArgumentsAreExplained() throws {
        for (arguments, text) in [
            (["predict", "--models", "/no/such", "x.jpg"], "no file 'x.jpg'"),
            (
                ["predict", "--models", "/no/such", TestFiles.fixture("bright.onnx").path],
                "no folder of models at /no/such"
            ),
            (
                ["predict", "--models", try CommandFiles.models(), "--model", "a/1", try CommandFiles.picture()],
                "It has: bright/1"
            ),
            (["predict", "--confidence", "200", "x"], "--confidence must be from 0 to 100"),
            (["serve", "--open", "--host", "0.0.0.0"], "--insecure"),
            (["serve", "--port", "70000"], "--port must be from 0 to 65535"),
            (["serve", "--models", try CommandFiles.models(), "--preload", "x/1"], "--preload names 'x/1'"),
        ] as [([String], String)] {
            let outcome = try Program.run(arguments)
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains(text), "\(arguments): \(outcome.errors)")
        }
    }

    @Test func optionsComeFromTheEnvironmentToo() throws {
        let environment = ["SILHOUETTE_MODELS": try CommandFiles.models(), "SILHOUETTE_CONFIDENCE": "99"]
        let outcome = try Program.run(["predict", try CommandFiles.picture()], environment: environment)
        #expect(outcome.status == 0 && outcome.output.contains("0 objects"))
        let wrong = try Program.run(["serve"], environment: ["SILHOUETTE_PORT": "many"])
        #expect(wrong.status != 0 && wrong.errors.contains("SILHOUETTE_PORT is 'many'; expected a whole number"))
    }

    @Test func quantizingSaysWhatItNeeds() throws {
        let common = ["models", "quantize", "tabletop/1", "--models", "models", "--images"]
        let missing = try Program.run(common + ["models/tabletop/1/sample.jpg", "--python", "false"])
        #expect(missing.status != 0 && missing.errors.contains("pip install onnx onnxruntime"))
        let existing = try Program.run(common + ["models/tabletop/1/sample.jpg", "--version", "1"])
        #expect(existing.status != 0 && existing.errors.contains("exists; choose another --version"))
        let strange = try Program.run(common + ["models", "--version", "../x"])
        #expect(strange.status != 0 && strange.errors.contains("is not a folder name"))
    }

    @Test func lanesAndThreadsAreNumbersOrAuto() throws {
        for arguments in [["--lanes", "0"], ["--threads", "many"]] {
            let outcome = try Program.run(["serve", "--models", "models"] + arguments)
            #expect(outcome.status != 0 && outcome.errors.contains(arguments[0]))
        }
    }

    @Test func whatRunsNetworksIsChosenAndSaid() throws {
        let server = try RunningServer(["--models", CommandFiles.models(), "--open"])
        let info = try server.curl([], path: "/info")
        #expect(info.contains("\"backend\":\"ONNX Runtime ") && info.contains("\"precision\":\"fp32\""), "\(info)")
        #expect(server.logText.components(separatedBy: "precision=fp32").count == 3, "once for all and once a model")
        let absent = try Program.run(
            ["predict", "--models", CommandFiles.models(), "--backend", "openvino", try CommandFiles.picture()],
            environment: ["SILHOUETTE_OPENVINO_LIBRARY": "/no/such/library"])
        #expect(absent.status != 0 && absent.errors.contains("OpenVINO library /no/such/library cannot be used"))
        for (name, value) in [("BACKEND", "tensorrt"), ("PRECISION", "int4")] {
            let wrong = try Program.run(
                ["predict", "--models", CommandFiles.models(), try CommandFiles.picture()],
                environment: ["SILHOUETTE_" + name: value])
            #expect(wrong.status != 0 && wrong.errors.contains("SILHOUETTE_\(name) is '\(value)'; expected"))
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: TestFiles.root.appending(path: "lib/openvino").path)))
    func aServerRunsOnOpenVINO() throws {
        for (precision, shown) in [("fp32", ["fp32"]), ("auto", ["fp32", "bf16"])] {
            let server = try RunningServer(
                ["--models", CommandFiles.models(), "--open", "--backend", "openvino", "--precision", precision])
            let info = try server.curl([], path: "/info")
            #expect(info.contains("\"backend\":\"OpenVINO 20"), "\(info)")
            #expect(shown.contains { info.contains("\"precision\":\"\($0)\"") }, "\(info)")
            let answer = try server.curl(["--data-binary", "@" + CommandFiles.picture()], path: "/bright/1")
            #expect(answer.contains("\"class\":\"bright\"") && answer.hasSuffix("\n200"), "\(answer)")
            server.process.terminate()
            server.process.waitUntilExit()
            #expect(server.process.terminationStatus == 0)
        }
    }

    @Test func benchmarkNeedsNoPicture() throws {
        let outcome = try Program.run(["benchmark", "--models", CommandFiles.models(), "--iterations", "1"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("1280x720, bright/1 at") && outcome.output.contains("floor: Run alone"))
    }

    @Test func modelsAreListedWithWhatTheyAre() throws {
        let folder = try CommandFiles.models()
        let broken = URL(filePath: folder).appending(path: "broken/1")
        try FileManager.default.createDirectory(at: broken, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: broken.appending(path: "model.onnx"))
        let outcome = try Program.run(["models", "--models", folder])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("bright/1  yolo  fp32  0.0 MB"))
        #expect(outcome.output.contains("images float32 [batch, 3, height, width]"))
        #expect(outcome.output.contains("classes  2: bright, d'im"))
        #expect(outcome.output.contains("broken/1  cannot be used"))
    }

    @Test func keysAreMadeListedAndRevoked() throws {
        let state = try TestFiles.temporaryFolder().path
        let made = try Program.run(["keys", "create", "--name", "phone", "--state", state])
        let secret = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(secret.hasPrefix("rf_"))
        let list = try Program.run(["keys", "list", "--state", state]).output
        #expect(list.contains("active  phone") && !list.contains(secret))
        let id = String(list.prefix(8))
        #expect(try Program.run(["keys", "revoke", id, "--state", state]).status == 0)
        #expect(try Program.run(["keys", "revoke", id, "--state", state]).status != 0)
        #expect(try Program.run(["keys", "list", "--state", state]).output.contains("revoked"))
    }

    @Test func keysHaveLimitsThatAreListed() throws {
        let state = try TestFiles.temporaryFolder().path
        let made = try Program.run([
            "keys", "create", "--state", state, "--name", "page", "--for", "tabletop, a/2", "--expires", "30d",
            "--quota", "100",
        ])
        #expect(made.status == 0 && made.output.hasPrefix("rf_"))
        let list = try Program.run(["keys", "list", "--state", state]).output
        #expect(list.contains("used 0/100") && list.contains("for a/2,tabletop") && list.contains("until 20"))
        for (option, value) in [
            ("--expires", "yesterday"), ("--expires", "2001-01-01"), ("--quota", "0"), ("--for", ","),
        ] {
            let refused = try Program.run(["keys", "create", "--state", state, option, value])
            #expect(refused.status != 0 && !refused.errors.isEmpty)
        }
    }

    @Test func theServerAnswersCurlAndDrainsWhenItIsTold() throws {
        let server = try RunningServer(
            ["--models", CommandFiles.models()], environment: ["SILHOUETTE_API_KEY": "rf_test"])
        let file = try CommandFiles.picture("disc.jpg")
        let base64 = try TestFiles.temporaryFolder().appending(path: "b64").path
        try (Data(contentsOf: URL(filePath: file)).base64EncodedString(options: .lineLength76Characters) + "\n")
            .write(toFile: base64, atomically: true, encoding: .utf8)
        let path = "/bright/1?api_key=rf_test"
        for arguments in [
            ["-d", "@" + base64], ["--data-binary", "@" + base64], ["--data-binary", "@" + file],
            ["-F", "file=@" + file],
            ["-H", "Content-Type:", "--data-binary", "@" + base64],
            ["-H", "Expect: 100-continue", "--data-binary", "@" + file],
            ["-H", "Transfer-Encoding: chunked", "--data-binary", "@" + file], ["-0", "-d", "@" + base64],
        ] {
            let answer = try server.curl(arguments, path: path)
            #expect(answer.hasSuffix("\n200"), "\(arguments) \(answer)")
            #expect(answer.contains("\"class\":\"bright\""))
        }
        #expect(try server.curl(["-d", "@" + base64], path: "/bright/1?api_key=wrong").hasSuffix("resource\"}\n403"))
        #expect(try server.curl([], path: "/readiness") == "{\"status\":\"ready\"}\n200")
        server.process.terminate()
        server.process.waitUntilExit()
        #expect(server.process.terminationStatus == 0)
        #expect(!server.logText.contains("rf_test"), "a key is in the log")
    }

    @Test func httpsIsSpokenWithTheCertificateThatLiesThere() throws {
        let folder = try TestFiles.temporaryFolder()
        let (certificate, key) = (folder.appending(path: "tls.pem"), folder.appending(path: "tls.key"))
        func install(_ name: String, keyOf other: String? = nil) throws {
            for (file, source) in [(certificate, "tls-\(name).pem"), (key, "tls-\(other ?? name).key")] {
                try Data(contentsOf: TestFiles.fixture(source)).write(to: file)
            }
        }
        try install("first")
        let server = try RunningServer([
            "--models", "models", "--open", "--tls-certificate", certificate.path, "--tls-private-key", key.path,
        ])
        func ask(trusting name: String, _ arguments: [String] = []) throws -> String {
            try server.curl(["--cacert", TestFiles.fixture("tls-\(name).pem").path] + arguments, path: "/info")
        }
        #expect(try ask(trusting: "first", ["--http1.1"]).hasSuffix("\n200"))
        #expect(try ask(trusting: "first", ["--http2", "-o", "/dev/null", "-w", "%{http_version}"]) == "2")
        #expect(try ask(trusting: "second").hasSuffix("\n000"))
        let picture = TestFiles.root.appending(path: "models/tabletop/1/sample.jpg").path
        let answer = try server.curl(
            ["--cacert", TestFiles.fixture("tls-first.pem").path, "--http2", "--data-binary", "@\(picture)"],
            path: "/tabletop/1")
        #expect(answer.hasSuffix("\n200") && answer.contains("\"class\":\"coin\""))

        // Files that do not belong together change nothing; new ones are taken up.
        Thread.sleep(forTimeInterval: 1.2)
        try install("first", keyOf: "second")
        #expect(try ask(trusting: "first").hasSuffix("\n200"))
        #expect(server.logText.contains("The new certificate is not used"))
        Thread.sleep(forTimeInterval: 1.2)
        try install("second")
        #expect(try ask(trusting: "second").hasSuffix("\n200"))
        #expect(try ask(trusting: "first").hasSuffix("\n000"))
    }

    @Test(arguments: [
        (["--tls-certificate", "x"], "belong together"),
        (["--tls-certificate", "/nowhere.pem", "--tls-private-key", "/nowhere.key"], "/nowhere.pem cannot be used"),
        (["--tls-certificate", "README.md", "--tls-private-key", "README.md"], "README.md cannot be used"),
    ])
    func certificatesThatCannotBeUsedAreExplained(arguments: [String], text: String) throws {
        let state = try TestFiles.temporaryFolder().path
        let outcome = try Program.run(["serve", "--models", "models", "--port", "0", "--state", state] + arguments)
        #expect(outcome.status != 0 && outcome.errors.contains(text), "\(outcome.errors)")
    }

    @Test func aPortThatIsTakenIsExplained() throws {
        let server = try RunningServer(["--models", CommandFiles.models(), "--open"])
        let second = try Program.run([
            "serve", "--models", try CommandFiles.models(), "--open", "--port", String(server.port),
        ])
        #expect(second.status == 1)
        #expect(second.errors.contains("Another program listens on 127.0.0.1:\(server.port) already"))
    }

    @Test func theFirstStartMakesAKeyAndPrintsItOnce() throws {
        let server = try RunningServer(["--models", CommandFiles.models()])
        let key = try #require(server.printedText.split(whereSeparator: \.isWhitespace).last.map(String.init))
        #expect(key.hasPrefix("rf_"))
        #expect(!server.logText.contains(key))
        let file = try CommandFiles.picture()
        #expect(try server.curl(["--data-binary", "@" + file], path: "/bright/1").hasSuffix("403"))
        #expect(try server.curl(["--data-binary", "@" + file], path: "/bright/1?api_key=" + key).hasSuffix("200"))
    }
}
