import Foundation
import TestSupport
import Testing

@testable import silhouette

struct OutputNamesTests {
    private func stems(_ inputs: [String], _ endings: [String] = [".txt"], common: [String] = []) -> [String] {
        OutputNames(
            inputs: inputs, places: [OutputNames.Place(folder: "/out", endings: endings, common: common)]
        ).stems
    }

    @Test func imagesOfOneFolderKeepTheirNames() {
        #expect(
            stems(["/in/b.jpg", "/in/a.png", "/in/.c.jpg", "/in/d", "/in/e.f.jpg"]) == ["b", "a", ".c", "d", "e.f"])
    }

    @Test func imagesOfSeveralFoldersKeepTheirTree() {
        let names = OutputNames(
            inputs: ["/data/a/img.jpg", "/data/b/c/img.jpg", "/data/img.jpg"],
            places: [OutputNames.Place(folder: "/out", endings: [".jpg"])])
        #expect(names.stems == ["a/img", "b/c/img", "img"])
        #expect(names.names == ["a/img.jpg", "b/c/img.jpg", "img.jpg"])
    }

    @Test func foldersAreComparedByWholeNames() {
        #expect(stems(["/data/train/1.jpg", "/data/training/1.jpg"]) == ["train/1", "training/1"])
    }

    @Test func imagesOfOneNameKeepTheirExtensions() {
        #expect(stems(["/x/a/img.jpg", "/x/a/img.png", "/x/b/img.jpg"]) == ["a/img.jpg", "a/img.png", "b/img"])
        #expect(
            stems(["/in/img.jpg", "/in/img.png", "/in/img.png.jpg"]) == ["img.jpg", "img.png", "img.png.jpg"],
            "the name that tells two apart is a third one's stem")
    }

    @Test func namesThatAFileSystemMayHoldToBeOneGetNumbers() {
        #expect(stems(["/in/img.jpg", "/in/IMG.jpg"]) == ["img_2.jpg", "IMG.jpg"])
        #expect(stems(["/in/IMG.jpg", "/in/img.jpg", "/in/img_2.jpg"]) == ["IMG.jpg", "img_2.jpg", "img_2"])
        let forms = stems(["/in/\u{E9}.jpg", "/in/e\u{301}.jpg"])
        #expect(forms[0] != forms[1], "String compares canonically")
    }

    @Test func filesForAllImagesKeepTheirNames() {
        #expect(stems(["/in/classes.jpg", "/in/a.jpg"], common: ["classes.txt"]) == ["classes.jpg", "a"])
        #expect(stems(["/in/COCO.jpg"], [".geojson", ".json"], common: ["coco.json"]) == ["COCO.jpg"])
        #expect(stems(["/in/coco.jpg"], [".txt"], common: ["coco.json"]) == ["coco"])
    }

    @Test func cutoutsAreToldApartFromMasks() {
        func stems(classes: [String]) -> [String] {
            OutputNames(
                inputs: ["/in/img.jpg", "/in/img-1.jpg"],
                places: [OutputNames.Place(folder: "/out", endings: ["-mask.png"], parts: classes)]
            ).stems
        }
        #expect(stems(classes: ["cat"]) == ["img", "img-1"])
        #expect(stems(classes: ["cat", "Mask"]) == ["img.jpg", "img-1"])
        let cutouts = OutputNames(
            inputs: ["/in/img.jpg", "/in/img.png"], places: [OutputNames.Place(folder: "/out", parts: ["cat"])])
        #expect(cutouts.stems == ["img.jpg", "img.png"])
    }

    @Test func aNumberIsNotThatOfACutout() {
        let names = OutputNames(
            inputs: ["/in/img", "/in/IMG", "/in/Img"],
            places: [OutputNames.Place(folder: "/out", endings: ["-mask.png"], parts: ["mask"])])
        #expect(names.stems == ["img_3", "IMG", "Img_2"])
    }

    @Test func aFileIsNotNamedLikeAFolderOfTheTree() {
        #expect(stems(["/in/img.png", "/in/img.txt/1.png"]) == ["img.png", "img.txt/1"])
    }

    @Test func aSlashWithACombiningMarkIsStillASlash() {
        #expect(FilePath.absolute("/a/\u{308}x/./b/../c.jpg") == "/a/\u{308}x/c.jpg")
        #expect(FilePath.split("/a/\u{308}x.jpg").folder == "/a")
    }

    /// Inputs like those of people and of file systems, and some worse.
    @Test(arguments: 0..<400)
    func outputsOfAnyInputsAreDifferent(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let words = [
            "a", "A", "img", "IMG", "Img", "img-1", "img-2", "img_2", "img-1-mask", "img-1-mask-2", "img.jpg",
            "img.JPG",
            "img.png",
            "img.jpg-2", "img.txt", "classes", "coco", "cvat", "\u{E9}", "e\u{301}", "E\u{301}", "stra\u{DF}e",
            "STRASSE",
            "\u{212A}", "k", "K", "x-mask", "mask", "-1-", "1", "\u{3C3}", "\u{3C2}", "\u{3A3}", "\u{FB01}", "fi", ".b",
            "a.",
        ]
        let endings = [".jpg", ".JPG", ".png", ".jpeg", ".jpg.png", ".tif", ""]
        let folders = ["", "a/", "A/", "b/", "img.jpg/", "img.txt/", "\u{E9}/", "e\u{301}/", "a/b/"]
        let inTree = Bool.random(using: &random)
        let allInputs = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            "/in/" + (inTree ? folders.randomElement(using: &random) ?? "" : "")
                + (words.randomElement(using: &random) ?? "") + (endings.randomElement(using: &random) ?? "")
        }
        var seen: Set<[UInt8]> = []
        let inputs = allInputs.filter { seen.insert(Array($0.utf8)).inserted }
        let parts = Bool.random(using: &random) ? ["cat", "mask", "2"] : ["cat"]
        let places = [
            OutputNames.Place(folder: "/out", endings: [".jpg"]),
            OutputNames.Place(
                folder: Bool.random(using: &random) ? "/out" : "/out/a",
                endings: [".txt", ".json", "-mask.png", ".geojson"].filter { _ in Bool.random(using: &random) },
                common: ["classes.txt", "coco.json", "cvat.xml"], parts: Bool.random(using: &random) ? parts : nil),
        ]
        let names = OutputNames(inputs: inputs, places: places)
        let (stems, problem) = (names.stems, "seed \(seed): \(inputs) \(places) became \(names.stems)")

        // By another rule than the planner's own, and the same for files as for folders.
        func folded(_ path: String) -> [UInt8] {
            Array(path.precomposedStringWithCanonicalMapping.lowercased().precomposedStringWithCanonicalMapping.utf8)
        }
        var outputs: Set<[UInt8]> = []
        var outputFolders: Set<[UInt8]> = []
        func add(_ path: String) {
            #expect(outputs.insert(folded(path)).inserted, "\(path) twice, \(problem)")
            var parts = path.split(separator: "/").dropLast()
            while !parts.isEmpty {
                outputFolders.insert(folded("/" + parts.joined(separator: "/")))
                parts.removeLast()
            }
        }
        for place in places {
            place.common.forEach { add(place.folder + "/" + $0) }
            for stem in stems {
                place.endings.forEach { add("\(place.folder)/\(stem)\($0)") }
                for number in 1...3 {
                    for part in place.parts ?? [] { add("\(place.folder)/\(stem)-\(number)-\(part).png") }
                }
            }
        }
        #expect(outputs.isDisjoint(with: outputFolders), "\(problem)")
        #expect(Set(names.names.map { Array($0.utf8) }).count == inputs.count, "\(names.names), seed \(seed)")

        // A name without conflicts is kept, whatever the order.
        let shuffled = inputs.indices.shuffled(using: &random)
        let again = OutputNames(inputs: shuffled.map { inputs[$0] }, places: places)
        for (position, i) in shuffled.enumerated() { #expect(again.stems[position] == stems[i], "\(problem)") }
        if inputs.count == 1, stems[0] != "classes.jpg" {
            #expect(inputs[0].split(separator: "/").last?.hasPrefix(stems[0]) == true, "\(problem)")
        }
    }
}
