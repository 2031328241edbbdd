import Foundation
import TestSupport
import Testing

/// Scopes of keys, and the state folder, as the command shows them.
@Suite(.timeLimit(.minutes(2))) struct KeyScopeTests {
    @Test func scopesAreGivenAndListed() throws {
        let state = try TestFiles.temporaryFolder().appending(path: "state").path
        for (name, scopes) in [("plain", []), ("both", ["predict", "metrics"]), ("one", ["manage"])] {
            let outcome = try Program.run(
                ["keys", "create", "--state", state, "--name", name] + scopes.flatMap { ["--scope", $0] })
            #expect(outcome.status == 0 && !outcome.errors.contains("Warning"), "\(outcome.errors)")
        }
        let lines = try Program.run(["keys", "list", "--state", state]).output.split(separator: "\n")
        for (name, scopes) in [("plain", "predict"), ("both", "metrics,predict"), ("one", "manage")] {
            let words =
                lines.first { $0.contains(" \(name) ") || $0.hasSuffix(" \(name)") }?.split(separator: " ") ?? []
            #expect(words.contains { $0 == scopes }, "\(lines)")
        }
        let refused = try Program.run(["keys", "create", "--state", state, "--scope", "everything"])
        #expect(refused.status == 64 && refused.errors.contains("expected one of: predict, manage, metrics"))
    }

    @Test func namesAreShortAndPrintable() throws {
        let state = try TestFiles.temporaryFolder().appending(path: "state").path
        for (name, text) in [
            ("a\u{1B}[31mb", "--name has a control character: 'a\\u{1B}[31mb'"),
            ("a\nb", "--name has a control character: 'a\\nb'"), ("a\u{2028}b", "--name has a control character"),
            (String(repeating: "é", count: 101), "--name has 101 characters; at most 100"),
        ] {
            let refused = try Program.run(["keys", "create", "--state", state, "--name", name])
            #expect(refused.status == 64 && refused.errors.contains(text), "\(refused.errors)")
            #expect(!refused.errors.contains("\u{1B}"))
        }
        let name = String(repeating: "é", count: 100)
        #expect(try Program.run(["keys", "create", "--state", state, "--name", name]).status == 0)
        #expect(try Program.run(["keys", "list", "--state", state]).output.contains(name))
    }

    @Test func theFirstKeyOfAServerHasAllScopes() throws {
        let state = try TestFiles.temporaryFolder().appending(path: "state").path
        for environment in [[:], ["SILHOUETTE_API_KEY": "rf_mine"]] {
            let server = try RunningServer(["--preload", "none", "--state", state], environment: environment)
            #expect(!server.logText.contains("chmod"))
        }
        let list = try Program.run(["keys", "list", "--state", state]).output
        #expect(list.split(separator: "\n").count(where: { $0.contains("manage,metrics,predict") }) == 2, "\(list)")
    }

    @Test func aStateFolderThatOthersCanReadIsReportedOnce() throws {
        let folder = try TestFiles.temporaryFolder().appending(path: "state")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
        let server = try RunningServer(["--preload", "none", "--state", folder.path])
        #expect(server.logText.components(separatedBy: "chmod 700").count == 2, "\(server.logText)")
        #expect(server.logText.contains("mode 0777"))
        let listed = try Program.run(["keys", "list", "--state", folder.path])
        #expect(listed.status == 0 && listed.errors.contains("chmod 700"))
    }
}
