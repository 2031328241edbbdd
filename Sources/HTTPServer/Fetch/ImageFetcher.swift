import AsyncHTTPClient
public import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
public import Serving

/// Fetches the images of `image=` addresses, within limits of size, time, redirects and destination.
///
/// A name is resolved once, all its addresses are checked, and the connection goes to a checked address, so that a name that
/// changes its answer gains nothing; every redirect is checked in the same way. Errors do not reveal what an internal address
/// answered.
public struct ImageFetcher: ImageFetching {
    public var policy: AddressPolicy
    /// Most bytes of an image, also after decompression.
    public var maxSize: Int
    public var timeout: Duration
    public var maxRedirects: Int
    private let resolver: NameResolver

    /// The maximum number of addresses of a name that are tried, one after another.
    private static let maxAddresses = 3
    /// How long connecting may take in milliseconds, shared by the addresses that are tried.
    private static let connectTimeout: Int64 = 5000

    /// - Parameters:
    ///   - policy: which addresses may be fetched from.
    ///   - maxSize: the maximum size of an image in bytes, also after decompression.
    ///   - timeout: how long fetching may take in total, redirects included.
    ///   - maxRedirects: the maximum number of redirects.
    public init(
        policy: AddressPolicy = AddressPolicy(), maxSize: Int = 32 << 20, timeout: Duration = .seconds(10),
        maxRedirects: Int = 5
    ) {
        self.init(
            policy: policy, maxSize: maxSize, timeout: timeout, maxRedirects: maxRedirects, resolver: NameResolver())
    }

    /// - Parameter resolver: resolves the names of hosts.
    init(
        policy: AddressPolicy, maxSize: Int = 32 << 20, timeout: Duration = .seconds(10), maxRedirects: Int = 5,
        resolver: NameResolver
    ) {
        self.policy = policy
        self.maxSize = maxSize
        self.timeout = timeout
        self.maxRedirects = maxRedirects
        self.resolver = resolver
    }

    /// The bytes of an `http` or `https` address. Ends within `timeout`, whatever the network does.
    /// - Parameters:
    ///   - owner: names the client, such as by the id of its key; the number of name lookups of one owner at a time is limited.
    ///   - reserve: called before bytes are kept, with the number of all that may be kept then. While it waits, nothing more is read,
    ///     and the time of the fetch stands still.
    /// - Throws: `ServiceError`, `CancellationError`.
    public func fetch(
        _ address: String, for owner: String?, reserve: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> any ContiguousBytes & Sendable {
        BufferBytes(buffer: try await fetch(address, owner: owner ?? "", reserve: reserve))
    }

    /// Whom a fetch is for, where its memory is reserved, and how long it has taken.
    private struct Caller: Sendable {
        let owner: String
        let reserve: @Sendable (Int) async throws -> Void
        let time = FetchTime()
    }

    /// The same as a buffer.
    func fetch(
        _ address: String, owner: String = "", reserve: @escaping @Sendable (Int) async throws -> Void = { _ in }
    ) async throws -> ByteBuffer {
        guard let url = FetchURL(address) else { throw ServiceError.invalidURL }
        let caller = Caller(owner: owner, reserve: reserve)
        return try await withThrowingTaskGroup(of: ByteBuffer.self) { group in
            group.addTask { try await follow(url, caller) }
            group.addTask {
                try await caller.time.reach(timeout)
                throw ServiceError.fetchTooSlow(seconds: Int(timeout.components.seconds))
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() else { throw ServiceError.fetchFailed }
            return bytes
        }
    }

    private func follow(_ url: FetchURL, _ caller: Caller) async throws -> ByteBuffer {
        var url = url
        for _ in 0...maxRedirects {
            switch try await request(url, caller) {
            case .image(let bytes): return bytes
            case .redirect(let location):
                guard let next = FetchURL(location, relativeTo: url) else { throw ServiceError.fetchFailed }
                url = next
            }
        }
        throw ServiceError.fetchFailed
    }

    private enum Outcome {
        case image(ByteBuffer)
        case redirect(String)
    }

    private func request(_ url: FetchURL, _ caller: Caller) async throws -> Outcome {
        let literal = IPAddress(text: url.host)
        let addresses =
            if let literal { [literal] } else { try await resolver.addresses(of: url.host, owner: caller.owner) }
        guard !addresses.isEmpty else { throw ServiceError.fetchFailed }
        guard policy.allows(host: url.host, port: url.port, addresses: addresses) else {
            throw ServiceError.forbiddenAddress
        }
        let tried = addresses.prefix(Self.maxAddresses)
        for address in tried {
            do {
                return try await request(
                    url, at: literal == nil ? address : nil,
                    connectTimeout: .milliseconds(Self.connectTimeout / Int64(tried.count)), caller)
            } catch  where Self.isUnreachable(error) {
                continue
            } catch {
                throw error is ServiceError || error is CancellationError ? error : ServiceError.fetchFailed
            }
        }
        throw ServiceError.fetchFailed
    }

    /// Whether an error means that there is no connection, so that another address may have one.
    private static func isUnreachable(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError: error == .connectTimeout
        case let error as ChannelError: if case .connectTimeout = error { true } else { false }
        case is NIOConnectionError: true
        case let error as IOError:
            [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL, EAFNOSUPPORT].contains(error.errnoCode)
        default: false
        }
    }

    /// - Parameter address: the address to connect to; `nil` for that of the URL. The name still goes into Host and TLS.
    private func request(
        _ url: FetchURL, at address: IPAddress?, connectTimeout: TimeAmount, _ caller: Caller
    ) async throws -> Outcome {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: connectTimeout),
            decompression: .enabled(limit: .size(maxSize)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        if let address { configuration.dnsOverride = [url.host: address.description] }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        // Not waited for: saying goodbye to a TLS server may take seconds. It fails only for a client that is shut down.
        defer { Task { try? await client.shutdown() } }
        return try await request(url, client, caller)
    }

    private func request(_ url: FetchURL, _ client: HTTPClient, _ caller: Caller) async throws -> Outcome {
        var request = HTTPClientRequest(url: url.text)
        request.headers = HTTPHeaders([("User-Agent", "Silhouette"), ("Accept", "image/*")])
        // Holds until the head of the response; the task group of `fetch` ends the rest.
        let response = try await client.execute(request, timeout: .seconds(timeout.components.seconds + 2))
        if (300..<400).contains(response.status.code), let location = response.headers.first(name: "location") {
            return .redirect(location)
        }
        guard response.status == .ok else { throw ServiceError.fetchFailed }
        let length = response.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        guard length <= maxSize else { throw ServiceError.fetchTooLarge(limit: maxSize) }
        var (whole, reserved) = (ByteBuffer(), 0)
        for try await part in response.body {
            let size = whole.readableBytes + part.readableBytes
            guard size <= maxSize else { throw ServiceError.fetchTooLarge(limit: maxSize) }
            if size > reserved {
                // What the head says, or steps that double, as a buffer grows.
                reserved = min(maxSize, max(size, reserved == 0 ? length : 2 * reserved))
                try await caller.time.paused { [reserved] in try await caller.reserve(reserved) }
            }
            whole.writeImmutableBuffer(part)
        }
        return .image(whole)
    }
}
