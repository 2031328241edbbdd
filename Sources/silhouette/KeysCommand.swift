import ArgumentParser
import Foundation
import InferenceServer

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Makes, lists and revokes the keys of a server.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct StateOptions: ParsableArguments {
        @Option(help: ArgumentHelp("Folder of the server's state.", valueName: "dir"))
        var state = environment("STATE") ?? defaultStateFolder()

        func store() throws -> KeyStore { try KeyStore(folder: URL(filePath: state)) }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key and prints it, this once.")

        @OptionGroup var options: StateOptions

        @Option(help: "What the key is for.")
        var name = "unnamed"

        func run() throws {
            let made = try options.store().create(name: name)
            print(made.secret)
            FileHandle.standardError.write(Data("Key \(made.key.id) (\(name)). It is not shown again.\n".utf8))
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the keys; secrets are not kept.")

        @OptionGroup var options: StateOptions

        func run() throws {
            let keys = try options.store().keys()
            if keys.isEmpty { return print("There are no keys.") }
            for key in keys {
                let state = key.revoked.map { "revoked \($0.formatted(.iso8601))" } ?? "active"
                print("\(key.id)  \(key.created.formatted(.iso8601))  \(state)  \(key.name)")
            }
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
