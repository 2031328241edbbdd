import Foundation
import InstanceSegmentation
import Synchronization
import TestSupport
import Testing

@testable import Serving

/// When headers that could not be read are read again.
@Suite(.timeLimit(.minutes(1))) struct HeaderRetriesTests {
    private let location = ModelLocation(id: ModelFolder.id("a"), file: URL(filePath: "/models/a/1/model.onnx"))

    /// The pauses after failures of the same files, one after another.
    private func pauses(
        _ retries: inout HeaderRetries, _ fingerprint: ModelFingerprint?, _ fault: HeaderFault, count: Int
    ) -> [Int] {
        (0..<count).map { _ in
            retries.failed(location, fingerprint, fault, at: .zero)
            return (1...4000).first { !retries.take(at: .seconds($0)).isEmpty } ?? 0
        }
    }

    @Test func pausesDoubleUpToTheLongestOfTheFault() {
        var retries = HeaderRetries()
        #expect(pauses(&retries, nil, .passing, count: 8) == [1, 2, 4, 8, 16, 32, 60, 60])
        retries.forget(location.id)
        #expect(pauses(&retries, nil, .uncertain, count: 14).suffix(6) == [256, 512, 1024, 2048, 3600, 3600])
        retries.forget(location.id)
        #expect(pauses(&retries, nil, .lasting, count: 1) == [0])
        retries.hurry()
        #expect(retries.isHurried && retries.take(at: .zero) == [location] && !retries.isHurried)
    }

    @Test func otherFilesBeginWithTheShortestPause() throws {
        let folder = try ModelFolder(["a": "1"])
        let found = ModelLocation(id: ModelFolder.id("a"), file: folder.file("a"))
        var retries = HeaderRetries()
        #expect(try pauses(&retries, ModelFingerprint(of: found), .passing, count: 4) == [1, 2, 4, 8])
        try folder.put("a", network: "2")
        #expect(try pauses(&retries, ModelFingerprint(of: found), .passing, count: 2) == [1, 2])
    }

    @Test func onlyWhatMayPassIsReadAgain() {
        struct Fault: ModelLoadingError { let modelFault: String? }
        #expect(HeaderFault(FileThread.Failure.stuck) == .passing)
        #expect(HeaderFault(CocoaError(.fileReadUnknown)) == .passing)
        #expect(HeaderFault(SegmentationError.invalidConfiguration("cannot be read")) == .uncertain)
        #expect(HeaderFault(Fault(modelFault: nil)) == .uncertain)
        #expect(HeaderFault(Fault(modelFault: "is not a model")) == .lasting)
        #expect(HeaderFault(SegmentationError.unrecognizedModel(found: "a", expected: "b")) == .lasting)
    }

    /// A backend whose headers fail as long as it has an error to throw.
    private final class FailingBackend: InferenceBackend {
        let name = "failing"
        let precision = InferencePrecision.float32
        private let state: Mutex<(error: (any Error)?, count: Int)>

        init(_ error: (any Error)?) { state = Mutex((error, 0)) }

        /// How many headers were read.
        var count: Int { state.withLock(\.count) }

        /// Lets headers be read.
        func mend() { state.withLock { $0.error = nil } }

        func describe(modelAt url: URL) throws -> ModelDescription {
            let error = state.withLock { state in
                state.count += 1
                return state.error
            }
            if let error { throw error }
            return .yolo(names: ["left", "right"], coefficients: 1)
        }

        func load(modelAt url: URL, concurrency: Int) async throws -> any LoadedModel { throw CancellationError() }
    }

    @Test func allHeadersThatCouldNotBeReadAreReadWhenTheOperatorAsks() async throws {
        let networks = Dictionary(uniqueKeysWithValues: (0..<40).map { ("m\($0)", "1") })
        let backend = FailingBackend(SegmentationError.invalidConfiguration("Too many open files."))
        let folder = try ModelFolder(networks)
        let repository = ModelRepository(.folder(folder.root), backend: backend, logger: .silent)
        try await repository.rescan()
        #expect(backend.count == 40)
        backend.mend()
        try await repository.rescan()
        #expect(backend.count == 80)
        #expect(
            repository.index.entries.allSatisfy { if case .read = $0.metadata { true } else { false } })
    }

    @Test(arguments: [false, true]) func aFaultOfTheFileIsNotReadAgainByItself(isLasting: Bool) async throws {
        struct Fault: ModelLoadingError { let modelFault: String? = "is not a model" }
        let clock = ManualClock()
        let error: any Error = isLasting ? Fault() : CocoaError(.fileReadUnknown)
        let backend = FailingBackend(error)
        let folder = try ModelFolder(["a": "1"])
        let repository = ModelRepository(.folder(folder.root), backend: backend, logger: .silent, clock: clock.clock)
        try await repository.rescan()
        for _ in 0..<5 {
            clock.advance(by: .seconds(60))
            try await repository.pass(takesAll: false)
        }
        #expect(backend.count == (isLasting ? 1 : 6))
        try await repository.rescan()
        #expect(backend.count == (isLasting ? 2 : 7), "the operator asked for it")
        try folder.put("a", network: "2")
        for _ in 0..<2 { try await repository.pass(takesAll: false) }
        #expect(backend.count == (isLasting ? 3 : 8), "the file is another")
    }
}
