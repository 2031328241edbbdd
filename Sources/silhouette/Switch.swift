import ArgumentParser

/// An option that is on or off.
enum Switch: String, ExpressibleByArgument, CaseIterable {
    case on, off

    /// The option of that name from the environment; `nil` where it is not set.
    /// - Throws: `ValidationError` where it is neither `on` nor `off`, nor another word for one of them.
    static func fromEnvironment(_ name: String) throws -> Switch? {
        guard let text = environment(name) else { return nil }
        switch text.lowercased() {
        case "on", "1", "true", "yes": return .on
        case "off", "0", "false", "no": return .off
        default:
            throw ValidationError(
                "SILHOUETTE_\(name) is '\(text)'; expected on, 1, true or yes; or off, 0, false or no.")
        }
    }
}
