import Foundation
import Testing

/// What commands refuse, and what they only warn of.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RefusalTests {
    @Test func aDatasetWithAReservedNameStopsNothing() throws {
        let root = try CommandFiles.models()
        for name in ["v2", "mcp", "label-studio", "infer"] {
            try FileManager.default.copyItem(atPath: root + "/bright", toPath: root + "/" + name)
        }
        for arguments in [["models"], ["predict", try CommandFiles.picture()], ["benchmark", "--iterations", "1"]] {
            let outcome = try Program.run([arguments[0], "--models", root] + arguments.dropFirst())
            #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
            #expect(outcome.output.contains("bright"))
            #expect(outcome.errors.contains("warning: The dataset name 'v2' is reserved"), "\(arguments)")
        }
        let outcome = try Program.run(["predict", "--models", root, "--model", "v2/1", try CommandFiles.picture()])
        #expect(outcome.status != 0 && outcome.errors.contains("There is no model 'v2/1'"))
    }

    @Test func flagsOfTheEnvironmentAreOnOrOff() throws {
        let (models, image) = (try CommandFiles.models(), try CommandFiles.picture())
        let predict = ["predict", "--models", models, image]
        for (arguments, names) in [
            (["serve", "--models", models], ["OPEN", "INSECURE", "SQUARE", "FULL_DECODE", "WATCH"]),
            (predict, ["SQUARE", "FULL_DECODE", "OVERWRITE"]),
            (["benchmark", "--models", models], ["SQUARE", "FULL_DECODE"]),
        ] {
            for name in names {
                let outcome = try Program.run(arguments, environment: ["SILHOUETTE_" + name: "maybe"])
                #expect(outcome.status != 0, "\(arguments[0]) \(name)")
                #expect(
                    outcome.errors.contains("SILHOUETTE_\(name) is 'maybe'; expected on, 1, true or yes;"),
                    "\(outcome.errors)")
            }
        }
        for word in ["on", "TRUE", "0", "no", ""] {
            let outcome = try Program.run(predict, environment: ["SILHOUETTE_SQUARE": word])
            #expect(outcome.status == 0, "'\(word)': \(outcome.errors)")
        }
    }

    @Test func patternsOfHostsAreRefused() throws {
        for (arguments, environment) in [
            (["--allow-fetch", "*"], [:]), ([], ["SILHOUETTE_ALLOW_FETCH": "10.0.0.0/8, *"]),
        ] as [([String], [String: String])] {
            let outcome = try Program.run(
                ["serve", "--models", CommandFiles.models()] + arguments, environment: environment)
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("--allow-fetch: '*' is not a network (CIDR), a host"), "\(outcome.errors)")
        }
    }

    @Test(arguments: ["https://a.example/path", "https://a.example?q=1", "https://u@a.example", "https://a.example:1x"])
    func originsThatAreNoneAreRefusedAtTheStart(text: String) throws {
        for (arguments, environment) in [
            (["--cors", text], [:]), ([], ["SILHOUETTE_CORS": text]), ([], ["SILHOUETTE_CORS": "https://b, \(text)"]),
        ] as [([String], [String: String])] {
            let outcome = try Program.run(
                ["serve", "--models", CommandFiles.models()] + arguments, environment: environment)
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("--cors: '\(text)' is not an origin: it has a"), "\(outcome.errors)")
        }
    }
}
