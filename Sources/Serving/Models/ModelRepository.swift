public import Foundation
public import InstanceSegmentation
public import Logging
import Synchronization

/// The models on disk: finds them, reads the metadata from their headers and settings, and publishes changes.
///
/// Neither weights nor networks are loaded, so that listing models is cheap. Files are read on a dedicated thread; a
/// file that hangs delays neither callers nor other models. If something is temporarily unreadable, its index entries
/// stay unchanged. An example is a dataset whose folder cannot be opened because the process has no free file
/// descriptors.
public actor ModelRepository {
    /// The location of the models.
    public enum Source: Sendable {
        /// A folder of `{dataset}/{version}/model.onnx`.
        case folder(URL)
        /// Individual model files.
        case files([ModelLocation])
    }

    private let source: Source
    private let backend: any InferenceBackend
    private let logger: Logger
    private let clock: MonotonicClock
    private let looks: FileThread
    private let headers: FileThread
    private nonisolated let published = Mutex(ModelIndex())
    private var subscribers: [Int: AsyncStream<ModelIndex>.Continuation] = [:]
    private var lastSubscriber = 0
    private var tracker = ChangeTracker()
    private var retries = HeaderRetries()
    /// By dataset.
    private var namesFiles: [String: NamesFiles] = [:]
    private var reported: Set<String> = []
    private var lastPass: Task<Void, Never>?

    /// Longest time for the header of one model.
    private let headerLimit: Duration
    /// Time spent on headers before the folder is looked at again.
    private static let headerSlice = Duration.seconds(1)
    /// A look at the folder is followed by a pause of so many times its duration at least. The time for headers does not
    /// count: it is bounded by `headerSlice`, and each header is read once.
    private static let pauseRatio = 20
    /// How long the last look at the folder took, whether or not it succeeded.
    private var lookDuration = Duration.zero

    /// Creates a repository whose index is empty until `rescan` or `watch` is called.
    /// - Parameters:
    ///   - backend: the runtime that reads the headers of model files.
    ///   - headerLimit: maximum time for reading the header of one model.
    public init(
        _ source: Source, backend: any InferenceBackend, logger: Logger, headerLimit: Duration = .seconds(10),
        clock: MonotonicClock = .continuous
    ) {
        self.source = source
        self.backend = backend
        self.logger = logger
        self.headerLimit = headerLimit
        self.clock = clock
        looks = FileThread(name: "model folder", clock: clock)
        headers = FileThread(name: "model headers", clock: clock)
    }

    /// The models on disk, according to the latest scan.
    public nonisolated var index: ModelIndex { published.withLock { $0 } }

    /// Returns a stream of the current index and of every later one. A slow consumer receives only the latest.
    public func changes() -> AsyncStream<ModelIndex> {
        let (stream, source) = AsyncStream.makeStream(of: ModelIndex.self, bufferingPolicy: .bufferingNewest(1))
        lastSubscriber += 1
        let number = lastSubscriber
        subscribers[number] = source
        source.onTermination = { [weak self] _ in
            Task { await self?.unsubscribe(number) }
        }
        source.yield(index)
        return stream
    }

    /// Scans the disk once without reading headers, for use before a server listens. Entries are pending until `rescan`
    /// or `watch` is called.
    ///
    /// Folders that do not respond in time are skipped for the moment, with a warning. Returns at once when the task is
    /// canceled.
    /// - Throws: `SegmentationError.invalidConfiguration` if the folder of models cannot be read.
    public func scan() async throws {
        do {
            try await pass(takesAll: true, limits: .first)
        } catch let error as SegmentationError {
            throw error
        } catch is CancellationError {
            return
        } catch { report(["The folder of models cannot be read: \(error)"]) }
    }

    /// Scans the disk and applies all changes at once, without waiting until files are completely written.
    ///
    /// Returns when the headers of all new and changed models have been read, except those that do not respond.
    /// - Throws: `SegmentationError.invalidConfiguration` if there is no folder of models; an error stating that the
    ///   folder does not respond; `CancellationError` as soon as the task is canceled.
    public func rescan() async throws {
        retries.hurry()
        var hasMore = try await pass(takesAll: true)
        while hasMore || retries.isHurried { hasMore = try await pass(takesAll: false) }
    }

    /// Watches the disk for changes until the task is canceled. Changed files are applied when two consecutive scans
    /// find them unchanged.
    ///
    /// - Parameter interval: time between two scans; if scans take long, the pauses are longer. Reading headers does not
    ///   lengthen them, so that broken models do not delay others.
    public func watch(every interval: Duration = .seconds(2)) async {
        while !Task.isCancelled {
            var hasMore = false
            do { hasMore = try await pass(takesAll: false) } catch is CancellationError { return } catch {
                report(["\(error)"])
            }
            let pause = hasMore ? .zero : max(interval, lookDuration * Self.pauseRatio)
            do { try await clock.sleep(pause) } catch { return }
        }
    }

    /// Looks at the disk once, after the looks that are in progress.
    /// - Returns: whether headers are left to be read at once.
    @discardableResult func pass(takesAll: Bool, limits: LookLimits = .regular) async throws -> Bool {
        let (previous, (ended, source)) = (lastPass, AsyncStream.makeStream(of: Void.self))
        lastPass = Task {
            await previous?.value
            for await _ in ended {}
        }
        defer { source.finish() }
        if let previous {
            // Ends when the pass before ends, or when this task is canceled.
            let (turn, turnSource) = AsyncStream.makeStream(of: Void.self)
            Task {
                await previous.value
                turnSource.finish()
            }
            for await _ in turn {}
            try Task.checkCancellation()
        }
        let scan = try await look(limits)
        report(scan.problems)
        if tracker.take(scan, all: takesAll || index.revision == 0) || index.revision == 0 { publish() }
        return limits.readsHeaders ? try await readHeaders() : false
    }

    private func look(_ limits: LookLimits) async throws -> FolderScan {
        let start = clock.now()
        defer { lookDuration = clock.now() - start }
        switch source {
        case .files(let locations):
            let namesFiles = namesFiles[""] ?? NamesFiles()
            let scan = try await looks.call("", limit: limits.total) { FolderScan(locations, namesFiles: namesFiles) }
            self.namesFiles[""] = scan.namesFiles
            return scan
        case .folder(let url):
            let root = url.path
            let datasets = try await looks.call("", limit: limits.total) { try FolderScan.datasets(of: root) }
            var scan = FolderScan()
            for dataset in datasets {
                let limit = min(limits.dataset, limits.total - (clock.now() - start))
                let namesFiles = namesFiles[dataset] ?? NamesFiles()
                do {
                    guard limit > .zero else { throw FileThread.Failure.timedOut(limits.total) }
                    let found = try await looks.call(dataset, limit: limit) {
                        FolderScan(dataset: dataset, of: root, namesFiles: namesFiles)
                    }
                    self.namesFiles[dataset] = found.namesFiles
                    scan.add(found)
                } catch let failure as FileThread.Failure { scan.skip(dataset, because: failure.description) }
            }
            let known = Set(datasets)
            namesFiles = namesFiles.filter { known.contains($0.key) }
            return scan
        }
    }

    /// Reads headers of new and changed models for a while.
    /// - Returns: whether others are left to be read at once.
    private func readHeaders() async throws -> Bool {
        let start = clock.now()
        for location in retries.take(at: start) where !tracker.retry(location) { retries.forget(location.id) }
        let pending = Array(tracker.pending.values)
        var hasChanged = false
        defer { if hasChanged { publish() } }
        for location in pending {
            guard clock.now() - start < Self.headerSlice else { return true }
            let backend = backend
            do {
                let metadata = try await headers.call(location.file.path, limit: headerLimit) {
                    try ModelMetadata(of: location, backend: backend)
                }
                tracker.note(.read(metadata), of: location)
                retries.forget(location.id)
                hasChanged = true
            } catch let error where Task.isCancelled {
                throw error
            } catch FileThread.Failure.stuck {
                continue  // until the earlier call returns
            } catch FileThread.Failure.allStuck {
                return false
            } catch {
                let fingerprint = tracker.entries[location.id]?.fingerprint
                retries.failed(location, fingerprint, HeaderFault(error), at: clock.now())
                let reason = PoolError.reason(error, of: location)
                if case .failed(reason)? = tracker.entries[location.id]?.metadata {
                    tracker.note(.failed(reason: reason), of: location)
                    continue  // as it was told before
                }
                logger.warning("Model \(location.id): the header cannot be used: \(error)")
                tracker.note(.failed(reason: reason), of: location)
                hasChanged = true
            }
        }
        return false
    }

    private func publish() {
        let index = ModelIndex(revision: index.revision + 1, entries: tracker.entries.values)
        published.withLock { $0 = index }
        for subscriber in subscribers.values { subscriber.yield(index) }
    }

    private func unsubscribe(_ number: Int) {
        subscribers[number] = nil
    }

    /// Logs what was not wrong at the last look.
    private func report(_ problems: [String]) {
        for problem in problems where !reported.contains(problem) { logger.warning("\(problem)") }
        reported = Set(problems)
    }
}
