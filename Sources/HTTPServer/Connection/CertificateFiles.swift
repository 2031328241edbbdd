public import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A certificate and its private key as PEM files.
public struct CertificateFiles: Sendable {
    /// The server's certificate, followed by the intermediate certificates that lead to a root.
    public let certificate: URL
    public let privateKey: URL

    public init(certificate: URL, privateKey: URL) {
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// What the files hold.
    fileprivate func load() throws -> Certificate {
        let chain: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey
        do { chain = try NIOSSLCertificate.fromPEMFile(certificate.path) } catch {
            throw CertificateError(file: certificate.path, expected: "certificates in PEM", reason: "\(error)")
        }
        do { key = try NIOSSLPrivateKey(file: privateKey.path, format: .pem) } catch {
            throw CertificateError(file: privateKey.path, expected: "a private key in PEM", reason: "\(error)")
        }
        guard !chain.isEmpty else {
            throw CertificateError(
                file: certificate.path, expected: "certificates in PEM", reason: "there is none in it")
        }
        // A key of another certificate would fail every handshake; a context says so now.
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        do { _ = try NIOSSLContext(configuration: configuration) } catch {
            throw CertificateError(
                file: privateKey.path, expected: "the key of \(certificate.path)", reason: "they do not belong together"
            )
        }
        return Certificate(chain: chain, key: key)
    }

    /// When the files were last written.
    fileprivate var written: [Date?] {
        [certificate, privateKey].map { file in
            (try? FileManager.default.attributesOfItem(atPath: file.path))?[.modificationDate] as? Date
        }
    }
}

/// Why a certificate cannot be used.
public struct CertificateError: Error, CustomStringConvertible {
    public let file: String
    public let expected: String
    public let reason: String

    public var description: String { "\(file) cannot be used: expected \(expected); \(reason)." }
}

/// A certificate chain with its private key.
struct Certificate: Sendable {
    /// The server's certificate, and after it those that lead to a root.
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey
}

/// The certificate in use. Changed files are reloaded with the next connection, at most once a second. If they are
/// invalid, the previous certificate stays in use, and the log reports the fault. Reading them may never end on a mount
/// that hangs; other connections use the current certificate meanwhile.
final class CertificateStore: Sendable {
    private struct State {
        var certificate: Certificate
        var written: [Date?]
        var looked: ContinuousClock.Instant
        /// Whether the files are to be read again although they seem unchanged.
        var isReloadWanted = false
    }

    private let files: CertificateFiles
    private let logger: Logger
    private let state: Mutex<State>
    /// Held by the one that looks at the files.
    private let reader = Mutex(())

    /// - Throws: `CertificateError`.
    init(_ files: CertificateFiles, logger: Logger) throws {
        self.files = files
        self.logger = logger
        let written = files.written
        state = Mutex(State(certificate: try files.load(), written: written, looked: .now))
    }

    /// The server's side of TLS, with the certificate that is in force when a client comes.
    var configuration: TLSConfiguration {
        let first = state.withLock { $0.certificate }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: first.chain.map { .certificate($0) }, privateKey: .privateKey(first.key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.sslContextCallback = { _, promise in
            // Not on the event loop: for the files' sake, and because what BoringSSL finds wrong with a certificate stays with
            // the thread and would be taken for a fault of the handshake.
            NIOThreadPool.singleton.runIfActive(eventLoop: promise.futureResult.eventLoop) {
                let certificate = self.current()
                var change = NIOSSLContextConfigurationOverride()
                change.certificateChain = certificate.chain.map { .certificate($0) }
                change.privateKey = .privateKey(certificate.key)
                return change
            }.cascade(to: promise)
        }
        return configuration
    }

    /// Reads the files now, whether they seem changed or not. Files that cannot be used leave the old certificate in force.
    /// Blocks the calling thread while it reads. It does not wait for another thread that does: the files are then read
    /// again for the next connection.
    /// - Returns: whether the files could be used.
    @discardableResult
    func reload() -> Bool {
        let isUsable = reader.withLockIfAvailable { _ in
            let written = files.written
            state.withLock { ($0.looked, $0.written, $0.isReloadWanted) = (.now, written, false) }
            return load()
        }
        if let isUsable { return isUsable }
        state.withLock { $0.isReloadWanted = true }
        logger.error(
            "The certificate is not reloaded yet: its files are still being read",
            metadata: ["file": "\(files.certificate.path)"])
        return false
    }

    /// The certificate that is in force, after a look at the files if the last one was a second ago. Blocks the calling thread
    /// while it looks; does not wait for others that do.
    func current() -> Certificate {
        _ = reader.withLockIfAvailable { _ in look() }
        return state.withLock { $0.certificate }
    }

    /// Reads the files if that was asked for while they were read before, or if they have changed.
    private func look() {
        let (isDue, isWanted) = state.withLock { state in
            let (now, isWanted) = (ContinuousClock.now, state.isReloadWanted)
            guard isWanted || now - state.looked >= .seconds(1) else { return (false, false) }
            (state.looked, state.isReloadWanted) = (now, false)
            return (true, isWanted)
        }
        guard isDue else { return }
        let written = files.written
        let isNew = state.withLock { state in
            defer { state.written = written }
            return written != state.written
        }
        if isNew || isWanted { _ = load() }
    }

    private func load() -> Bool {
        do {
            let certificate = try files.load()
            state.withLock { $0.certificate = certificate }
            logger.info("The certificate was reloaded", metadata: ["file": "\(files.certificate.path)"])
            return true
        } catch {
            logger.error("The new certificate is not used: \(error)")
            return false
        }
    }
}
