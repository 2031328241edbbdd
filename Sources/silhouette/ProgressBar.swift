import Foundation

/// A bar on a terminal's standard error; nothing elsewhere.
final class ProgressBar {
    private let total: Int
    private let isShown: Bool
    private var done = 0

    init(total: Int, isShown: Bool) {
        self.total = total
        self.isShown = isShown && isatty(STDERR_FILENO) == 1
    }

    func advance() {
        done += 1
        guard isShown, total > 0 else { return }
        let width = 40
        let filled = width * done / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        write("\r\(bar) \(done)/\(total)")
    }

    /// Takes the bar off its line, before something else is printed.
    func clear() {
        if isShown { write("\r\u{1B}[K") }
    }

    private func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
