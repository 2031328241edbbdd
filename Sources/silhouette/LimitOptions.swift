import ArgumentParser
import Foundation
import HTTPServer
import Serving

/// The bounds of a server on what requests may cost.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Inferences that run at once, over all models: auto (as many as there are cores) or a number.",
            valueName: "n"))
    var concurrency: CountOption?

    @Option(help: .hidden)
    var lanes: CountOption?

    @Option(help: ArgumentHelp("Requests that may wait for their turn; further ones are answered 429.", valueName: "n"))
    var maxQueue = environment("MAX_QUEUE").flatMap { Int($0) } ?? 64

    @Option(help: ArgumentHelp("Longest wait of a request for its turn.", valueName: "seconds"))
    var queueTimeout = environment("QUEUE_TIMEOUT").flatMap { Double($0) } ?? 30

    @Option(
        help: ArgumentHelp(
            "Longest time of a request after its body was read. The parameter timeout= asks for less.",
            valueName: "seconds"))
    var requestTimeout = environment("REQUEST_TIMEOUT").flatMap { Double($0) } ?? 120

    @Option(
        help: ArgumentHelp(
            "Memory that the bodies and decoded images of all requests may use together.", valueName: "MiB"))
    var maxMemory = environment("MAX_MEMORY").flatMap { Int($0) } ?? 1024

    @Option(help: ArgumentHelp("Connections that may be open at once.", valueName: "n"))
    var maxConnections = environment("MAX_CONNECTIONS").flatMap { Int($0) } ?? 4096

    @Option(help: ArgumentHelp("Largest request body.", valueName: "MiB"))
    var maxBody = environment("MAX_BODY").flatMap { Int($0) } ?? 32

    @Option(help: ArgumentHelp("Longest time that a request body may take to arrive.", valueName: "seconds"))
    var bodyTimeout = environment("BODY_TIMEOUT").flatMap { Double($0) } ?? 60

    @Option(help: ArgumentHelp("Images of one request.", valueName: "n"))
    var maxImages = environment("MAX_IMAGES").flatMap { Int($0) } ?? 32

    @Option(help: ArgumentHelp("Tiles of one image.", valueName: "n"))
    var maxTiles = environment("MAX_TILES").flatMap { Int($0) } ?? 256

    @OptionGroup var images: ImageOptions

    func validate() throws {
        try requireNumbers("QUEUE_TIMEOUT", "REQUEST_TIMEOUT", "BODY_TIMEOUT")
        try requireIntegers("MAX_QUEUE", "MAX_MEMORY", "MAX_CONNECTIONS", "MAX_BODY", "MAX_IMAGES", "MAX_TILES")
        _ = try (CountOption.fromEnvironment("CONCURRENCY"), CountOption.fromEnvironment("LANES"))
        func check<Value: Comparable>(_ name: String, _ value: Value, _ range: ClosedRange<Value>) throws {
            guard range.contains(value) else {
                throw ValidationError("--\(name) must be from \(range.lowerBound) to \(range.upperBound).")
            }
        }
        try check("max-queue", maxQueue, 0...1_000_000)
        try check("queue-timeout", queueTimeout, 0.001...86_400)
        try check("request-timeout", requestTimeout, 0.001...86_400)
        try check("max-memory", maxMemory, 16...1_048_576)
        try check("max-connections", maxConnections, 1...1_000_000)
        try check("max-body", maxBody, 1...1024)
        try check("body-timeout", bodyTimeout, 0.1...86_400)
        try check("max-images", maxImages, 1...10_000)
        try check("max-tiles", maxTiles, 1...100_000)
    }

    /// Inferences at once.
    func resolvedConcurrency() throws -> Int {
        let named = try CountOption.fromEnvironment("CONCURRENCY")
        let chosen = try concurrency ?? lanes ?? (named == .auto ? .fromEnvironment("LANES") : named)
        return chosen.count ?? ProcessInfo.processInfo.activeProcessorCount
    }

    /// The bounds of the service.
    func service() throws -> ServiceLimits {
        ServiceLimits(
            concurrency: try resolvedConcurrency(), maxQueue: maxQueue, queueTimeout: .seconds(queueTimeout),
            requestTimeout: .seconds(requestTimeout), maxMemory: maxMemory << 20, maxImages: maxImages,
            maxTiles: maxTiles, image: images.limits)
    }

    /// The bounds of connections.
    var connections: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.maxConnections = maxConnections
        limits.bodyTimeout = .seconds(bodyTimeout)
        return limits
    }
}
