import ArgumentParser
import CAllocator
import Foundation
import HTTPServer
import InstanceSegmentation
import Logging
import Metrics
import RuntimeSupport
import Serving

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answers the hosted instance segmentation API for the models of a folder.",
        discussion: """
            POST /DATASET/VERSION?api_key=KEY with an image as the body (base64 or the file itself) answers with the \
            objects in it. Without --open a key is needed: SILHOUETTE_API_KEY gives one, 'silhouette keys create' makes \
            one, and the first start makes one and prints it.
            """)

    @Option(help: "Address to listen on.")
    var host = environment("HOST") ?? "127.0.0.1"

    @Option(help: "Port to listen on; 0 takes a free one.")
    var port = environment("PORT").flatMap { Int($0) } ?? 9001

    @OptionGroup var models: ModelOptions

    @OptionGroup var backends: BackendOptions

    @Option(help: ArgumentHelp("Folder for keys and other state.", valueName: "dir"))
    var state = environment("STATE") ?? defaultStateFolder()

    @Option(
        help: ArgumentHelp(
            "Models to load before the server is ready: all, none, or DATASET/VERSION,…", valueName: "models"))
    var preload = environment("PRELOAD") ?? "all"

    @Option(
        help: ArgumentHelp(
            "Maximum number of models kept in memory; the least recently used is evicted. Default: no limit.",
            valueName: "n"))
    var maxModels: Int?

    @OptionGroup(title: "Limits") var limits: LimitOptions

    @Option(
        help: ArgumentHelp(
            "Notice changed, new and removed models in the folder: on or off.", valueName: "on|off"))
    var watch: Switch?

    @Option(
        help: ArgumentHelp(
            "Threads of one prediction: auto (all cores while there are few at once, one each while there are many) or a number.",
            valueName: "n"))
    var threads: CountOption?

    @Flag(help: "Give networks with dynamic input shape the full square instead of the smallest rectangle.")
    var square = false

    @Flag(help: "Decode every JPEG in full, even where a half or a quarter of its size serves the network.")
    var fullDecode = false

    @Flag(help: "Serve without keys; only on a loopback address.")
    var open = false

    @Flag(help: "Allow --open on an address that others can reach.")
    var insecure = false

    @Option(
        help: ArgumentHelp(
            "Allow image= addresses of a private network or host: 10.0.0.0/8, camera.local, 127.0.0.1:8000. Repeatable.",
            valueName: "address"))
    var allowFetch: [String] =
        environment("ALLOW_FETCH").map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
        ?? []

    @Option(
        help: ArgumentHelp(
            "Let pages of this origin use the server from a browser: https://app.example.com, * for any, or off. Repeatable. Default: * where a key is needed, off with --open.",
            valueName: "origin"))
    var cors: [String] =
        environment("CORS").map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } } ?? []

    @Option(
        help: ArgumentHelp(
            "Serve /metrics on this address alone, without keys; by default with everything else, to loopback clients and keys with the scope metrics.",
            valueName: "host:port"))
    var metricsAddress: String?

    @Option(
        help: ArgumentHelp(
            "Seconds to wait for requests in flight after SIGTERM before the server ends.", valueName: "seconds"))
    var shutdownTimeout = environment("SHUTDOWN_TIMEOUT").flatMap { Double($0) } ?? 30

    @Option(
        help: ArgumentHelp(
            "Speak HTTPS (and HTTP/2) with this certificate: a PEM file, the server's own first, followed by those of its issuers.",
            valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's private key: a PEM file.", valueName: "file"))
    var tlsPrivateKey: String?

    @Option(
        help: ArgumentHelp("When ready, print a command that sends this image to the first model.", valueName: "file")
    )
    var printRequest: String?

    func validate() throws {
        try requireNumbers("SHUTDOWN_TIMEOUT")
        try requireIntegers("PORT", "MAX_MODELS")
        try requireSwitches("OPEN", "INSECURE", "SQUARE", "FULL_DECODE", "WATCH")
        _ = try CountOption.fromEnvironment("THREADS")
        if let metricsText, ListeningAddress(metricsText) == nil {
            throw ValidationError("--metrics-address: '\(metricsText)' is not HOST:PORT, such as 127.0.0.1:9100.")
        }
        if let mostModels, mostModels < 1 { throw ValidationError("--max-models must be at least 1.") }
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be from 0 to 65535.") }
        guard (0...3600).contains(shutdownTimeout) else {
            throw ValidationError("--shutdown-timeout must be from 0 to 3600 seconds.")
        }
        for text in cors where text != "*" && text != "off" {
            do { _ = try OriginPolicy.origin(text) } catch {
                throw ValidationError(
                    "--cors: '\(text)' is not an origin: \(error). Expected a scheme, a host and perhaps a port, such as "
                        + "https://app.example.com, or * or off.")
            }
        }
        guard cors.count == 1 || !cors.contains("off") else {
            throw ValidationError("--cors off cannot be combined with origins.")
        }
        for text in allowFetch where AddressPolicy.Rule(text) == nil {
            throw ValidationError("--allow-fetch: '\(text)' is not a network (CIDR), a host, or host:port.")
        }
        guard (certificateFile == nil) == (privateKeyFile == nil) else {
            throw ValidationError("--tls-certificate and --tls-private-key belong together; one of them is missing.")
        }
        if isOpen && !(insecure || environmentFlag("INSECURE")) && !isLoopback {
            throw ValidationError(
                "--open on \(host) would serve the whole network without keys. Leave out --open, listen on 127.0.0.1, or "
                    + "add --insecure.")
        }
    }

    var isOpen: Bool { open || environmentFlag("OPEN") }

    private var isLoopback: Bool { OriginPolicy.isLoopback(host) }

    /// The origins of `--cors`; `nil` for the default.
    private var origins: OriginPolicy.Origins? {
        if cors.isEmpty { return nil }
        if cors == ["off"] { return .named([]) }
        return cors.contains("*") ? .any : .named(Set(cors.compactMap { try? OriginPolicy.origin($0) }))
    }

    func run() async throws {
        let logger = Logger(label: "silhouette")
        if let problem = Silhouette.logThreshold.reload() { logger.warning("\(problem)") }
        let threads = try (self.threads ?? .fromEnvironment("THREADS")).count
        let backend = try backends.open(threads: threads, logger: logger)
        logger.info(
            "\(backend.name)",
            metadata: ["library": "\(backend.libraryPath)", "precision": "\(backend.precision.rawValue)"])
        let registry = PrometheusRegistry(
            descriptions: ServiceMetrics.descriptions + LibraryMetrics.descriptions
        ) { logger.warning("\($0)") }
        MetricsSystem.bootstrap(registry)
        let limits = try self.limits.service()
        let repository = ModelRepository(.folder(URL(filePath: models.folder)), backend: backend, logger: logger)
        try await repository.scan()  // headers are read once the server listens
        let index = repository.index
        if index.entries.isEmpty {
            logger.warning("There is no model in \(models.folder): expected DATASET/VERSION/model.onnx")
        }
        let (access, key) = try access(logger: logger)
        let metrics = ServiceMetrics(factory: registry)
        let pool = ModelPool(
            repository: repository, backend: backend,
            configuration: ModelPool.Configuration(
                concurrency: limits.concurrency,
                limits: PoolLimits(maxModels: mostModels, maxWaiting: limits.maxQueue),
                usesSquareInput: square || environmentFlag("SQUARE"),
                decodesInFull: fullDecode || environmentFlag("FULL_DECODE"),
                onReload: { id, succeeded in
                    let model = id.description
                    if succeeded {
                        metrics.modelReloaded(model: model)
                    } else {
                        metrics.modelReloadFailed(model: model)
                    }
                },
                onRemove: { metrics.modelRemoved(model: $0.description) }), logger: logger)
        let configuration = ServerConfiguration(
            host: host, port: port, maxBodySize: self.limits.maxBody << 20, limits: limits,
            connections: self.limits.connections,
            fetchPolicy: AddressPolicy(rules: Set(allowFetch.compactMap(AddressPolicy.Rule.init))),
            origins: origins, metricsAddress: metricsText.flatMap(ListeningAddress.init),
            shutdownTimeout: .seconds(shutdownTimeout), preload: try preloaded(index.ids),
            watchesModels: try (watch ?? .fromEnvironment("WATCH") ?? .on) == .on, certificate: certificate,
            version: Silhouette.version)
        let releaseMemory: @Sendable () async -> Void = {
            do { try await backend.releaseMemory() } catch { logger.warning("Memory is kept: \(error)") }
            await onThread(named: "release") { silhouette_allocator_trim() }
        }
        let address = "\(configuration.scheme)://\(host.contains(":") ? "[\(host)]" : host)"
        let events = ServerEvents(
            onListening: { port in
                logger.info("Listening on \(address):\(port)")
                let hosts = ["API_URL", "INSTANCE_SEGMENTATION_URL", "OBJECT_DETECTION_URL"]
                logger.info(
                    "For the roboflow package: \(hosts.map { "\($0)=\(address):\(port)" }.joined(separator: " "))")
            },
            onReady: { [printRequest = printRequest ?? environment("PRINT_REQUEST")] port in
                await releaseMemory()
                guard let printRequest, let model = index.ids.first else { return }
                let query = key.map { "?api_key=\($0)" } ?? ""
                try? printLine("base64 \(printRequest) | curl -sd @- \"\(address):\(port)/\(model)\(query)\"")
            },
            onIdle: releaseMemory)
        let server = try buildServer(
            configuration, pool: pool, access: access, registry: registry, metrics: metrics,
            eventLoops: LibraryMetrics.eventLoops(factory: registry), logger: logger, events: events)
        try await runServer(
            server.application, configuration: configuration, requestsInFlight: server.requestsInFlight
        ) {
            if let problem = Silhouette.logThreshold.reload() { logger.warning("\(problem)") }
            server.reload()
        }
        // The runtime must not be torn down during a load.
        if await pool.isLoading { _exit(0) }
    }

    var mostModels: Int? { maxModels ?? environment("MAX_MODELS").flatMap { Int($0) } }
    private var metricsText: String? { metricsAddress ?? environment("METRICS_ADDRESS") }
    private var certificateFile: String? { tlsCertificate ?? environment("TLS_CERTIFICATE") }
    private var privateKeyFile: String? { tlsPrivateKey ?? environment("TLS_PRIVATE_KEY") }

    private var certificate: CertificateFiles? {
        guard let certificateFile, let privateKeyFile else { return nil }
        return CertificateFiles(
            certificate: URL(filePath: certificateFile), privateKey: URL(filePath: privateKeyFile))
    }
}

/// Writes a line to standard output at once, also where that is a file or a pipe.
func printLine(_ line: String) throws {
    try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
}
