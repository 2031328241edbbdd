import ArgumentParser
import Foundation
import HTTPServer
import Serving

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes, lists and revokes the keys of a server.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct StateOptions: ParsableArguments {
        @Option(help: ArgumentHelp("Folder of the server's state.", valueName: "dir"))
        var state = environment("STATE") ?? defaultStateFolder()

        /// Opens the key store. Warnings go to standard error.
        func store() throws -> KeyStore {
            try KeyStore(folder: URL(filePath: state)) { warning in
                try? FileHandle.standardError.write(contentsOf: Data("Warning: \(warning)\n".utf8))
            }
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key and prints it, this once.")

        @OptionGroup var options: StateOptions

        @Option(help: "What the key is for: one line of up to 100 characters.")
        var name = "unnamed"

        @Option(
            name: .customLong("for"),
            help: ArgumentHelp(
                "Models that it opens, as DATASET or DATASET/VERSION, separated by commas; by default all.",
                valueName: "models"))
        var models: String?

        @Option(
            help: ArgumentHelp(
                "When it stops working: 12h, 30d, 2027-01-31 or 2027-01-31T12:00:00Z; by default never.",
                valueName: "time"),
            transform: expiry)
        var expires: Date?

        @Option(help: ArgumentHelp("Predictions that may be asked for with it; by default any number.", valueName: "n"))
        var quota: Int?

        @Option(
            name: .customLong("scope"),
            help: ArgumentHelp(
                "What it permits: predict (predictions and the list of models), manage (loading and evicting models), metrics "
                    + "(/metrics from another machine). Repeatable. Default: predict.",
                valueName: "scope"),
            transform: scope)
        var scopes: [APIKey.Scope] = []

        /// The longest name, in Unicode scalars.
        private static let maxName = 100

        func validate() throws {
            let length = name.unicodeScalars.count
            guard length <= Self.maxName else {
                throw ValidationError("--name has \(length) characters; at most \(Self.maxName) are accepted.")
            }
            // Names are printed on terminals, one line each.
            let forbidden: Set<Unicode.GeneralCategory> = [.control, .lineSeparator, .paragraphSeparator]
            guard !name.unicodeScalars.contains(where: { forbidden.contains($0.properties.generalCategory) }) else {
                let shown = name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
                throw ValidationError(
                    "--name has a control character: '\(shown)'. It must be one line of printable text.")
            }
            if let quota, quota < 1 { throw ValidationError("--quota must be at least 1.") }
            if let models, wanted.isEmpty { throw ValidationError("--for names no model: '\(models)'.") }
        }

        private var wanted: Set<String> {
            Set((models ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
        }

        func run() throws {
            let limits = APIKey.Limits(
                models: models == nil ? nil : wanted, expires: expires, quota: quota,
                scopes: scopes.isEmpty ? [.predict] : Set(scopes))
            let store = try options.store()
            let made = try store.create(name: name, limits: limits)
            do { try printLine(made.secret) } catch {
                _ = try store.revoke(id: made.key.id)
                throw Refusal(description: "The key cannot be printed: \(FileProblem.reason(of: error))")
            }
            try? FileHandle.standardError.write(
                contentsOf: Data("Key \(made.key.id) (\(name)). It is not shown again.\n".utf8))
        }

        private static func scope(_ text: String) throws -> APIKey.Scope {
            guard let scope = APIKey.Scope(rawValue: text) else {
                let names = APIKey.Scope.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("'\(text)' is not a scope; expected one of: \(names).")
            }
            return scope
        }

        /// A time from now on, or a date; a day without a time is its beginning in UTC.
        private static func expiry(_ text: String) throws -> Date {
            if let unit = text.last.flatMap({ ["h": 3600.0, "d": 86_400][$0] }), let count = Double(text.dropLast()),
                count > 0, count < 1e6
            {
                return Date(timeIntervalSinceNow: unit * count)
            }
            let day = Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day()
            guard let date = (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: day)) else {
                throw ValidationError("'\(text)' is not a time; expected, for example, 12h, 30d or 2027-01-31.")
            }
            guard date > Date() else { throw ValidationError("'\(text)' is in the past.") }
            return date
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the keys; secrets are not kept.")

        @OptionGroup var options: StateOptions

        func run() throws {
            let keys = try options.store().keys()
            if keys.isEmpty { return print("There are no keys.") }
            let rows = keys.map { key in
                let state =
                    switch key.state() {
                    case .active: key.limits.expires.map { "until \($0.formatted(.iso8601))" } ?? "active"
                    case .expired(let date): "expired \(date.formatted(.iso8601))"
                    case .revoked(let date): "revoked \(date.formatted(.iso8601))"
                    }
                return [
                    key.id, key.created.formatted(.iso8601), state, key.name,
                    key.limits.scopes.sorted().map(\.rawValue).joined(separator: ","),
                    key.limits.quota.map { "used \(key.used)/\($0)" } ?? "",
                    key.limits.models.map { "for " + $0.sorted().joined(separator: ",") } ?? "",
                ]
            }
            print(TextTable(rows: rows).text)
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revokes a key at once, in running servers too.")

        @OptionGroup var options: StateOptions

        @Argument(help: "The key's id, as 'keys list' shows it.")
        var id: String

        func run() throws {
            guard try options.store().revoke(id: id) else {
                throw ValidationError("There is no active key '\(id)'.")
            }
            print("Key \(id) is revoked.")
        }
    }
}
