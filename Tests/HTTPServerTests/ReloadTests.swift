import Foundation
import InstanceSegmentation
import Logging
import Serving
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// What SIGHUP does.
@Suite(.timeLimit(.minutes(1))) struct ReloadTests {
    private let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    @Test func severalSignalsInARowReloadOnce() async throws {
        let reloads = Mutex(0)
        let (stream, source) = AsyncStream.makeStream(of: Int.self)
        let signals = ShutdownSignals(
            timeout: .seconds(1), logger: logger, drain: {},
            reload: {
                source.yield(
                    reloads.withLock { count in
                        count += 1
                        return count
                    })
            }, reloadDelay: .milliseconds(300), end: { _ in })
        var events = stream.makeAsyncIterator()
        for round in 1...2 {
            for _ in 0..<5 { signals.receive(SIGHUP) }
            #expect(await events.next() == round)
        }
        try await Task.sleep(for: .milliseconds(500))
        #expect(reloads.withLock { $0 } == 2)
    }

    @Test func aServerThatIsStoppingDoesNotReload() async throws {
        let reloads = Mutex(0)
        let drains = Mutex(0)
        let signals = ShutdownSignals(
            timeout: .seconds(100), logger: logger, drain: { drains.withLock { $0 += 1 } },
            reload: { reloads.withLock { $0 += 1 } }, reloadDelay: .milliseconds(50), end: { _ in })
        signals.receive(SIGHUP)
        signals.receive(SIGTERM)
        signals.receive(SIGHUP)
        try await Task.sleep(for: .milliseconds(300))
        #expect(reloads.withLock { $0 } == 0 && drains.withLock { $0 } == 1)
    }

    /// A reload may block for long, such as on a network file system.
    @Test func aReloadThatHangsDoesNotDelayAnEnd() async throws {
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let (stream, source) = AsyncStream.makeStream(of: String.self)
        let signals = ShutdownSignals(
            timeout: .milliseconds(50), logger: logger, drain: { source.yield("drain") },
            reload: {
                source.yield("reload")
                gate.wait()
            }, reloadDelay: .zero, end: { source.yield("end \($0)") })
        var events = stream.makeAsyncIterator()
        signals.receive(SIGHUP)
        #expect(await events.next() == "reload")
        signals.receive(SIGTERM)
        #expect(await events.next() == "drain")
        #expect(await events.next() == "end 0")
    }

    @Test func certificatesAreReloadedAtOnce() throws {
        let folder = try TestFiles.temporaryFolder()
        let files = CertificateFiles(
            certificate: folder.appending(path: "tls.pem"), privateKey: folder.appending(path: "tls.key"))
        func install(_ name: String, keyOf other: String? = nil) throws {
            for (file, source) in [
                (files.certificate, "tls-\(name).pem"), (files.privateKey, "tls-\(other ?? name).key"),
            ] {
                try Data(contentsOf: TestFiles.fixture(source)).write(to: file)
            }
        }
        try install("first")
        let store = try CertificateStore(files, logger: logger)
        let first = store.current().chain
        try install("first", keyOf: "second")
        #expect(!store.reload())
        #expect(store.current().chain == first)
        try install("second")
        #expect(store.reload())
        #expect(store.current().chain != first)
    }

    /// Files on a mount that hangs; a pipe without a writer stands for the certificate.
    private struct HangingFiles {
        let files: CertificateFiles

        /// Replaces a certificate by the pipe.
        init(_ files: CertificateFiles) throws {
            self.files = files
            try FileManager.default.removeItem(at: files.certificate)
            guard mkfifo(files.certificate.path, 0o600) == 0 else { throw CocoaError(.fileWriteUnknown) }
        }

        /// Waits until a thread reads the pipe, and has it go on waiting.
        /// - Returns: the descriptor that ends the wait when it is closed.
        func reader() async throws -> Int32? {
            let pipe = Mutex<Int32>(-1)
            try await eventually {
                pipe.withLock { pipe in
                    pipe = open(files.certificate.path, O_WRONLY | O_NONBLOCK)
                    return pipe >= 0
                }
            }
            return pipe.withLock { $0 >= 0 ? $0 : nil }
        }
    }

    private func files(_ name: String) throws -> CertificateFiles {
        let folder = try TestFiles.temporaryFolder()
        let files = CertificateFiles(
            certificate: folder.appending(path: "tls.pem"), privateKey: folder.appending(path: "tls.key"))
        try Data(contentsOf: TestFiles.fixture("tls-\(name).pem")).write(to: files.certificate)
        try Data(contentsOf: TestFiles.fixture("tls-\(name).key")).write(to: files.privateKey)
        return files
    }

    @Test func aReloadDoesNotWaitForAnotherThatHangs() async throws {
        let files = try files("first")
        let store = try CertificateStore(files, logger: logger)
        let first = store.current().chain
        let hanging = try HangingFiles(files)
        let results = Mutex<[Bool]>([])
        func reload() {
            Thread.detachNewThread {
                let isUsable = store.reload()
                results.withLock { $0.append(isUsable) }
            }
        }
        reload()
        let pipe = try #require(try await hanging.reader())
        reload()
        #expect(try await eventually { results.withLock { $0 } == [false] } != nil)
        #expect(store.current().chain == first)
        // The files are as they were, but the one that could not be read before is read for the next connection.
        let second = try self.files("second")
        #expect(rename(second.certificate.path, files.certificate.path) == 0)
        #expect(rename(second.privateKey.path, files.privateKey.path) == 0)
        close(pipe)
        #expect(try await eventually { results.withLock { $0 } == [false, false] } != nil)
        #expect(store.current().chain != first)
    }

    @Test func modelsAreReloadedWhileTheCertificateHangs() async throws {
        let files = try files("first")
        let root = try TestFiles.temporaryFolder()
        let backend = StubBackend(description: .yolo(names: ["left", "right"], coefficients: 1)) { _ in
            TestServer.halfSession()
        }
        let repository = ModelRepository(.folder(root), backend: backend, logger: logger)
        let pool = ModelPool(
            repository: repository, backend: backend, configuration: ModelPool.Configuration(concurrency: 1),
            logger: logger)
        let registry = PrometheusRegistry()
        let server = try buildServer(
            ServerConfiguration(port: 0, limits: TestServer.limits, certificate: files), pool: pool, access: .open,
            registry: registry,
            metrics: ServiceMetrics(factory: registry), logger: logger)
        let hanging = try HangingFiles(files)
        var pipe: Int32?
        for version in 1...2 {
            let folder = root.appending(path: "m/\(version)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data().write(to: folder.appending(path: "model.onnx"))
            Thread.detachNewThread { server.reload() }
            #expect(try await eventually { repository.index.ids.count == version } != nil)
            if pipe == nil { pipe = try await hanging.reader() }
        }
        if let pipe { close(pipe) }
    }

    /// A mount that hangs behaves like a pipe without a writer.
    @Test func filesThatHangKeepOnlyOneClientWaiting() async throws {
        let folder = try TestFiles.temporaryFolder()
        let files = CertificateFiles(
            certificate: folder.appending(path: "tls.pem"), privateKey: folder.appending(path: "tls.key"))
        try Data(contentsOf: TestFiles.fixture("tls-first.pem")).write(to: files.certificate)
        try Data(contentsOf: TestFiles.fixture("tls-first.key")).write(to: files.privateKey)
        let store = try CertificateStore(files, logger: logger)
        let first = store.current().chain
        try FileManager.default.removeItem(at: files.certificate)
        #expect(mkfifo(files.certificate.path, 0o600) == 0)
        try await Task.sleep(for: .milliseconds(1100))
        let served = Mutex(0)
        for _ in 0..<5 {
            Thread.detachNewThread {
                let isFirst = store.current().chain == first
                served.withLock { $0 += isFirst ? 1 : 0 }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await eventually(.seconds(5)) { served.withLock { $0 } == 4 } != nil)
        // The reader goes on when there is a writer.
        let pipe = open(files.certificate.path, O_WRONLY | O_NONBLOCK)
        #expect(pipe >= 0)
        try FileManager.default.removeItem(at: files.certificate)
        if pipe >= 0 { _ = close(pipe) }
        #expect(try await eventually(.seconds(5)) { served.withLock { $0 } == 5 } != nil)
    }
}
