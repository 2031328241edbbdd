import ArgumentParser

/// A number that is chosen automatically unless the user sets it.
enum CountOption: ExpressibleByArgument, Equatable {
    case auto
    case count(Int)

    init?(argument: String) {
        if argument == "auto" {
            self = .auto
        } else if let count = Int(argument), (1...1024).contains(count) {
            self = .count(count)
        } else {
            return nil
        }
    }

    /// The number; `nil` for `auto`.
    var count: Int? { if case .count(let count) = self { count } else { nil } }

    /// The option of that name from the environment.
    /// - Throws: `ValidationError` where it is neither `auto` nor a number.
    static func fromEnvironment(_ name: String) throws -> CountOption {
        guard let text = environment(name) else { return .auto }
        guard let option = CountOption(argument: text) else {
            throw ValidationError("SILHOUETTE_\(name) is '\(text)'; expected auto or a number from 1.")
        }
        return option
    }
}
