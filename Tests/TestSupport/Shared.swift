public import Foundation

/// Files that tests use.
public enum TestFiles {
    /// The root of the checkout.
    public static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Real models, images and reference answers beside the checkout. They are not part of the project; tests that need
    /// them are skipped where they are missing.
    public static let shared = root.deletingLastPathComponent().appending(path: "shared")

    public static var hasShared: Bool {
        FileManager.default.fileExists(atPath: shared.appending(path: "models/yolo11n-seg/1/model.onnx").path)
    }

    /// A tiny model made by scripts/make_fixtures.py.
    public static func fixture(_ name: String) -> URL {
        root.appending(path: "Tests/TestSupport/Fixtures/\(name)")
    }

    /// The folder of all temporary folders of this process, removed when it ends.
    private static let temporary: URL = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "silhouette-" + UUID().uuidString)
        atexit { try? FileManager.default.removeItem(at: TestFiles.temporary) }
        return folder
    }()

    /// A new empty folder.
    public static func temporaryFolder() throws -> URL {
        let folder = temporary.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}
