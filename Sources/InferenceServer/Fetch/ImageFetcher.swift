import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix

/// Fetches the images of `image=` addresses, within limits of size, time, redirects and destination.
///
/// A name is resolved once, its addresses are checked, and the connection goes to the checked address, so that a name that
/// changes its answer gains nothing; every redirect is checked in the same way. What failed is told without a word about what
/// an internal address answered.
public struct ImageFetcher: Sendable {
    public var policy: AddressPolicy
    /// Most bytes of an image, also after decompression.
    public var maxSize: Int
    public var timeout: Duration
    public var maxRedirects: Int

    public init(
        policy: AddressPolicy = AddressPolicy(), maxSize: Int = 32 << 20, timeout: Duration = .seconds(10),
        maxRedirects: Int = 5
    ) {
        self.policy = policy
        self.maxSize = maxSize
        self.timeout = timeout
        self.maxRedirects = maxRedirects
    }

    /// The bytes behind an `http` or `https` address.
    /// - Throws: `ServingError`.
    func fetch(_ address: String) async throws -> ByteBuffer {
        guard let url = FetchURL(address) else { throw ServingError.invalidURL }
        return try await withThrowingTaskGroup(of: ByteBuffer.self) { group in
            group.addTask { try await follow(url) }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw ServingError.fetchTooSlow(seconds: Int(timeout.components.seconds))
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() else { throw ServingError.fetchFailed }
            return bytes
        }
    }

    private func follow(_ url: FetchURL) async throws -> ByteBuffer {
        var url = url
        for _ in 0...maxRedirects {
            switch try await request(url) {
            case .image(let bytes): return bytes
            case .redirect(let location):
                guard let next = FetchURL(location, relativeTo: url) else { throw ServingError.fetchFailed }
                url = next
            }
        }
        throw ServingError.fetchFailed
    }

    private enum Outcome {
        case image(ByteBuffer)
        case redirect(String)
    }

    private func request(_ url: FetchURL) async throws -> Outcome {
        let addresses = try await addresses(of: url.host)
        guard let first = addresses.first else { throw ServingError.fetchFailed }
        guard policy.allows(host: url.host, port: url.port, addresses: addresses) else {
            throw ServingError.forbiddenAddress
        }
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .seconds(10)),
            decompression: .enabled(limit: .size(maxSize)))
        configuration.httpVersion = .http1Only
        // The address that was checked is the one that is connected to; the name still goes into Host and TLS.
        if IPAddress(text: url.host) == nil { configuration.dnsOverride = [url.host: first.description] }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let outcome: Result<Outcome, any Error>
        do {
            outcome = .success(try await request(url, client))
        } catch {
            outcome = .failure(error is ServingError || error is CancellationError ? error : ServingError.fetchFailed)
        }
        try? await client.shutdown()
        return try outcome.get()
    }

    private func request(_ url: FetchURL, _ client: HTTPClient) async throws -> Outcome {
        var request = HTTPClientRequest(url: url.text)
        request.headers = HTTPHeaders([("User-Agent", "Silhouette"), ("Accept", "image/*")])
        let response = try await client.execute(request, timeout: .seconds(max(timeout.components.seconds, 1)))
        if (300..<400).contains(response.status.code), let location = response.headers.first(name: "location") {
            return .redirect(location)
        }
        guard response.status == .ok else { throw ServingError.fetchFailed }
        if let length = response.headers.first(name: "content-length").flatMap({ Int($0) }), length > maxSize {
            throw ServingError.fetchTooLarge(limit: maxSize)
        }
        var whole = ByteBuffer()
        for try await part in response.body {
            guard whole.readableBytes + part.readableBytes <= maxSize else {
                throw ServingError.fetchTooLarge(limit: maxSize)
            }
            whole.writeImmutableBuffer(part)
        }
        return .image(whole)
    }

    private func addresses(of host: String) async throws -> [IPAddress] {
        if let literal = IPAddress(text: host) { return [literal] }
        return try await NIOThreadPool.singleton.runIfActive { IPAddress.resolve(host) }
    }
}

/// An address that may be fetched: `http` or `https`, a host, no name and password.
struct FetchURL: Sendable {
    let text: String
    let host: String
    let port: Int

    /// Takes the address as it is and encodes only what cannot stand in one.
    init?(_ address: String, relativeTo base: FetchURL? = nil) {
        let authority = address.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard address.utf8.count <= 8192, address.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }),
            !authority.contains("\\"), !authority.contains("@"),
            let url = URL(string: address, relativeTo: base.flatMap { URL(string: $0.text) })?.absoluteURL,
            let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host(percentEncoded: false), !host.isEmpty, url.user == nil, url.password == nil
        else { return nil }
        let port = url.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65_535).contains(port) else { return nil }
        text = url.absoluteString
        self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        self.port = port
    }
}
