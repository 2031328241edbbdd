import ArgumentParser
import CAllocator
import Foundation
import InferenceServer
import InstanceSegmentation
import Logging
import RuntimeSupport

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answers the hosted instance segmentation API for the models of a folder.",
        discussion: """
            POST /DATASET/VERSION?api_key=KEY with a picture as the body (base64 or the file itself) answers with the \
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
            "Models to open before the server is ready: all, none, or DATASET/VERSION,…", valueName: "models"))
    var preload = environment("PRELOAD") ?? "all"

    @Option(
        help: ArgumentHelp(
            "Most models that are open at once; the one that was not used for longest goes for another. By default all.",
            valueName: "n"))
    var maxModels: Int?

    @Option(
        help: ArgumentHelp(
            "Predictions of one model that run at once: auto (as many as there are cores) or a number.", valueName: "n")
    )
    var lanes: CountOption?

    @Option(
        help: ArgumentHelp(
            "Threads of one prediction: auto (all cores while there are few at once, one each while there are many) or a number.",
            valueName: "n"))
    var threads: CountOption?

    @Flag(help: "Give networks of free shape the full square instead of the smallest rectangle.")
    var square = false

    @Flag(help: "Decode every JPEG in full, even where a half or a quarter of its size serves the network.")
    var fullDecode = false

    @Flag(help: "Let everybody in without a key; only on a loopback address.")
    var open = false

    @Flag(help: "Allow --open on an address that others can reach.")
    var insecure = false

    @Option(help: ArgumentHelp("Largest request body in MiB.", valueName: "MiB"))
    var maxBody = environment("MAX_BODY").flatMap { Int($0) } ?? 32

    @Option(
        help: ArgumentHelp(
            "Allow image= addresses of a private network or host: 10.0.0.0/8, camera.local, 127.0.0.1:8000. Repeatable.",
            valueName: "address"))
    var allowFetch: [String] = environment("ALLOW_FETCH").map { $0.split(separator: ",").map(String.init) } ?? []

    @Option(
        help: ArgumentHelp(
            "Let pages of this origin use the server from a browser: https://app.example.com, or * for any. Repeatable. Default: * where a key is needed, none with --open.",
            valueName: "origin"))
    var cors: [String] =
        environment("CORS").map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } } ?? []

    @Option(
        help: ArgumentHelp(
            "Seconds to wait for requests in flight after SIGTERM before the server ends.", valueName: "seconds"))
    var shutdownTimeout = environment("SHUTDOWN_TIMEOUT").flatMap { Double($0) } ?? 30

    @Option(
        help: ArgumentHelp(
            "Speak HTTPS (and HTTP/2) with this certificate: a PEM file, the server's own first, those of its issuers behind it.",
            valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's private key: a PEM file.", valueName: "file"))
    var tlsPrivateKey: String?

    @Option(
        help: ArgumentHelp("When ready, print a command that sends this picture to the first model.", valueName: "file")
    )
    var printRequest: String?

    func validate() throws {
        try requireNumbers("PORT", "MAX_BODY", "MAX_MODELS", "SHUTDOWN_TIMEOUT")
        _ = try (CountOption.fromEnvironment("LANES"), CountOption.fromEnvironment("THREADS"))
        if let mostModels, mostModels < 1 { throw ValidationError("--max-models must be at least 1.") }
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be from 0 to 65535.") }
        guard (1...1024).contains(maxBody) else { throw ValidationError("--max-body must be from 1 to 1024.") }
        guard (0...3600).contains(shutdownTimeout) else {
            throw ValidationError("--shutdown-timeout must be from 0 to 3600 seconds.")
        }
        for text in cors where text != "*" && OriginPolicy.origin(text) == nil {
            throw ValidationError(
                "--cors: '\(text)' is not an origin; expected a scheme and a host, such as https://app.example.com, or *."
            )
        }
        for text in allowFetch where AddressPolicy.Rule(text) == nil {
            throw ValidationError("--allow-fetch takes a network, a host or host:port; '\(text)' is none.")
        }
        guard (certificateFile == nil) == (privateKeyFile == nil) else {
            throw ValidationError("--tls-certificate and --tls-private-key belong together; one of them is missing.")
        }
        if isOpen && !(insecure || environmentFlag("INSECURE")) && !isLoopback {
            throw ValidationError(
                "--open on \(host) would let everybody on the network use the server without a key. Leave --open out, "
                    + "listen on 127.0.0.1, or say --insecure as well.")
        }
    }

    private var isOpen: Bool { open || environmentFlag("OPEN") }

    private var isLoopback: Bool { OriginPolicy.isLoopback(host) }

    /// The origins of `--cors`; `nil` for the default.
    private var origins: OriginPolicy.Origins? {
        if cors.isEmpty { return nil }
        return cors.contains("*") ? .any : .named(Set(cors.compactMap(OriginPolicy.origin)))
    }

    func run() async throws {
        signal(SIGHUP, SIG_IGN)  // also while the server starts
        let logger = Logger(label: "silhouette")
        let locations = try models.locations { logger.warning("\($0)") }
        if locations.isEmpty {
            logger.warning("There is no model in \(models.folder): expected DATASET/VERSION/model.onnx")
        }
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let threads = try (self.threads ?? .fromEnvironment("THREADS")).count
        let backend = try backends.open(threads: threads, logger: logger)
        logger.info(
            "\(backend.name)",
            metadata: ["library": "\(backend.libraryPath)", "precision": "\(backend.precision.rawValue)"])
        let (access, key) = try access(logger: logger)
        let catalog = ModelCatalog(
            locations: locations, backend: backend,
            settings: ModelCatalog.Settings(
                lanes: try (lanes ?? .fromEnvironment("LANES")).count ?? cores,
                usesSquareInput: square || environmentFlag("SQUARE"),
                decodesInFull: fullDecode || environmentFlag("FULL_DECODE"), maxOpen: mostModels),
            logger: logger)
        let configuration = ServerConfiguration(
            host: host, port: port, maxBodySize: maxBody << 20,
            fetchPolicy: AddressPolicy(rules: Set(allowFetch.compactMap(AddressPolicy.Rule.init))),
            origins: origins, shutdownTimeout: .seconds(shutdownTimeout),
            preload: try preloaded(locations), certificate: certificate, version: Silhouette.version)
        let releaseMemory: @Sendable () async -> Void = {
            do { try await backend.releaseMemory() } catch { logger.warning("Memory is kept: \(error)") }
            await onThread(named: "release") { silhouette_allocator_trim() }
        }
        let address = "\(configuration.scheme)://\(host.contains(":") ? "[\(host)]" : host)"
        let application = try buildApplication(
            configuration, catalog: catalog, access: access, logger: logger,
            whenListening: { port in
                logger.info("Listening on \(address):\(port)")
                let hosts = ["API_URL", "INSTANCE_SEGMENTATION_URL", "OBJECT_DETECTION_URL"]
                logger.info(
                    "For the roboflow package: \(hosts.map { "\($0)=\(address):\(port)" }.joined(separator: " "))")
            },
            whenReady: { [printRequest] port in
                await releaseMemory()
                guard let printRequest, let model = locations.first else { return }
                let query = key.map { "?api_key=\($0)" } ?? ""
                try? printLine("base64 \(printRequest) | curl -sd @- \"\(address):\(port)/\(model.id)\(query)\"")
            },
            whenResting: releaseMemory)
        try await runServer(application, configuration: configuration)
        // The runtime must not be torn down during a load.
        if await catalog.isLoading { _exit(0) }
    }

    private var mostModels: Int? { maxModels ?? environment("MAX_MODELS").flatMap { Int($0) } }
    private var certificateFile: String? { tlsCertificate ?? environment("TLS_CERTIFICATE") }
    private var privateKeyFile: String? { tlsPrivateKey ?? environment("TLS_PRIVATE_KEY") }

    private var certificate: CertificateFiles? {
        guard let certificateFile, let privateKeyFile else { return nil }
        return CertificateFiles(
            certificate: URL(filePath: certificateFile), privateKey: URL(filePath: privateKeyFile))
    }

    /// Who may use the server, and a key of theirs where it is known.
    private func access(logger: Logger) throws -> (Access, String?) {
        if isOpen { return (.open, nil) }
        let store = try KeyStore(folder: URL(filePath: state))
        if let secret = environment("API_KEY") {
            _ = try store.adopt(secret: secret, name: "SILHOUETTE_API_KEY")
            return (.keys(store), secret)
        }
        guard try store.keys().isEmpty else { return (.keys(store), nil) }
        let made = try store.create(name: "first start")
        do {
            try printLine("API key (shown this once; 'silhouette keys create' makes more): \(made.secret)")
        } catch {
            _ = try store.revoke(id: made.key.id)
            throw Refusal(description: "A key was made but cannot be printed: \(FileProblem.reason(of: error))")
        }
        return (.keys(store), made.secret)
    }

    private func preloaded(_ locations: [ModelLocation]) throws -> [ModelID] {
        switch preload {
        case "all": return Array(locations.map(\.id).prefix(mostModels ?? .max))
        case "none": return []
        default:
            return try preload.split(separator: ",").map { name in
                let name = name.trimmingCharacters(in: .whitespaces)
                guard let location = locations.first(where: { $0.id.description == name }) else {
                    throw ValidationError("--preload names '\(name)', which is not in \(models.folder).")
                }
                return location.id
            }
        }
    }
}

/// Writes a line to standard output at once, also where that is a file or a pipe.
func printLine(_ line: String) throws {
    try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
}
