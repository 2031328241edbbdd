import Foundation
import TestSupport
import Testing

@testable import silhouette

struct FileSafetyTests {
    private let folder: String

    init() throws {
        folder = try TestFiles.temporaryFolder().path
    }

    private func write(_ text: String, _ name: String) throws -> String {
        let path = folder + "/" + name
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    private func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    @Test func protectedFilesAreKnownByEverySpelling() throws {
        let file = try write("x", "img.jpg")
        let files = FileManager.default
        try files.createDirectory(atPath: folder + "/sub", withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: folder + "/loop", withDestinationPath: ".")
        try files.createSymbolicLink(atPath: folder + "/link.jpg", withDestinationPath: "img.jpg")
        try files.createSymbolicLink(atPath: folder + "/gone.jpg", withDestinationPath: "nothing.jpg")
        try files.linkItem(atPath: file, toPath: folder + "/hard.jpg")
        let kept = ProtectedFiles([file, folder + "/gone.jpg", folder + "/missing.jpg"])
        for name in [
            "img.jpg", "./img.jpg", "sub/../img.jpg", "loop/img.jpg", "link.jpg", "hard.jpg", "IMG.jpg", "gone.jpg",
            "loop/loop/gone.jpg", "missing.jpg", "sub/../MISSING.jpg",
        ] {
            #expect(kept.contains(folder + "/" + name), "\(name)")
        }
        for name in ["other.jpg", "sub/img.jpg", "img.jpeg", "no/such/folder/img.jpg"] {
            #expect(!kept.contains(folder + "/" + name), "\(name)")
        }
    }

    @Test func filesAreReplacedOnlyWhenThatIsAsked() throws {
        let file = try write("old", "a.txt")
        let none = ProtectedFiles([])
        #expect(throws: FileProblem.self) {
            try OutputFile.write(Data("new".utf8), to: file, overwrites: false, sparing: none)
        }
        #expect(text(file) == "old")
        try OutputFile.write(Data("new".utf8), to: file, overwrites: true, sparing: none)
        #expect(text(file) == "new")
        #expect(throws: FileProblem.self) {
            try OutputFile.write(Data("x".utf8), to: file, overwrites: true, sparing: ProtectedFiles([file]))
        }
        try OutputFile.write(Data("b".utf8), to: folder + "/made/for/it/b.txt", overwrites: false, sparing: none)
        #expect(text(folder + "/made/for/it/b.txt") == "b")
        #expect(text(file) == "new")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.txt", "made"])
    }

    @Test func nothingIsLeftWhereAFileCannotBeWritten() throws {
        try FileManager.default.createDirectory(atPath: folder + "/a.txt", withIntermediateDirectories: true)
        for overwrites in [false, true] {
            #expect {
                try OutputFile.write(Data("x".utf8), to: folder + "/a.txt", overwrites: overwrites, sparing: .init([]))
            } throws: {
                "\($0)" == "It is a folder."
            }
        }
        let file = try write("x", "file")
        #expect {
            try OutputFile.write(Data("x".utf8), to: file + "/b.txt", overwrites: false, sparing: .init([]))
        } throws: {
            "\($0)".contains("is not a folder")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.txt", "file"])
    }

    @Test func ofManyWritersOnlyOneGetsAPath() async throws {
        let path = folder + "/a.txt"
        let wins = await withTaskGroup(of: String?.self) { group in
            for writer in 0..<32 {
                group.addTask {
                    let text = String(repeating: "\(writer) ", count: 10_000)
                    let bytes = Data(text.utf8)
                    return (try? OutputFile.write(bytes, to: path, overwrites: false, sparing: .init([]))) == nil
                        ? nil : text
                }
            }
            return await group.reduce(into: [String]()) { if let text = $1 { $0.append(text) } }
        }
        #expect(wins.count == 1)
        #expect(text(path) == wins.first)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.txt"])
    }

    @Test func onlyRegularFilesAreRead() throws {
        let (pipe, link, loop) = (folder + "/pipe", folder + "/link", folder + "/loop")
        #expect(mkfifo(pipe, 0o600) == 0)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "nowhere")
        try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: "loop")
        for (path, reason) in [
            (pipe, "named pipe"), (link, "symbolic link to 'nowhere'"), (loop, "circle"), (folder, "folder"),
            ("/dev/zero", "device"), (try write("", "empty"), "empty"), (folder + "/none", "does not exist"),
        ] {
            #expect(throws: FileProblem.self, "\(path)") { try RegularFile.contents(of: path) }
            #expect { try RegularFile.contents(of: path) } throws: { "\($0)".contains(reason) }
        }
        #expect(try RegularFile.contents(of: write("text", "full")) == Data("text".utf8))
    }

    @Test func filesLargerThanTheMemoryAreRefused() throws {
        let path = try write("x", "large.jpg")
        #expect(truncate(path, off_t(RegularFile.maximumSize) + 1) == 0)
        #expect { try RegularFile.contents(of: path) } throws: { "\($0)".contains("limit") }
    }

    @Test func anImageThatIsNamedTwiceIsDoneOnce() throws {
        let file = try write("x", "img.jpg")
        _ = try write("x", "._img.jpg")
        _ = try write("x", "notes.txt")
        try FileManager.default.createSymbolicLink(atPath: folder + "/loop", withDestinationPath: ".")
        try FileManager.default.createSymbolicLink(atPath: folder + "/other.jpg", withDestinationPath: "img.jpg")
        let found = InputImages([file, folder + "/./img.jpg", folder + "/loop/img.jpg", folder, folder + "/"])
        #expect(found.files == [file, folder + "/other.jpg"])
        #expect(found.problems.isEmpty)
        #expect(InputImages([folder + "/._img.jpg"]).files == [folder + "/._img.jpg"])
    }

    @Test func pathsThatLeadToNoImageAreNamed() throws {
        let file = try write("x", "img.jpg")
        let empty = try TestFiles.temporaryFolder().path
        let found = InputImages([folder + "/none.jpg", empty, file, file + "/x.jpg", ""])
        #expect(found.files == [file])
        #expect(
            found.problems == [
                "There is no file '\(folder)/none.jpg'.", "The folder '\(empty)' has no images in it.",
                "There is no file '\(file)/x.jpg'.", "There is no file ''.",
            ])
    }
}
