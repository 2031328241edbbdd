// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: warnings are errors, and the language features that Swift 7 will make the default.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "silhouette",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Imaging", targets: ["Imaging"]),
        .library(name: "ImageCodecs", targets: ["ImageCodecs"]),
        .library(name: "AnnotationFormats", targets: ["AnnotationFormats"]),
        .library(name: "HostedAPI", targets: ["HostedAPI"]),
        .library(name: "InstanceSegmentation", targets: ["InstanceSegmentation"]),
        .library(name: "ONNXRuntimeBackend", targets: ["ONNXRuntimeBackend"]),
        .library(name: "OpenVINOBackend", targets: ["OpenVINOBackend"]),
        .executable(name: "silhouette", targets: ["silhouette"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The ONNX Runtime C API, as much of it as is called, and the opening of its library.
        .target(name: "CONNXRuntime", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
        // The OpenVINO C API, likewise.
        .target(name: "COpenVINO", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
        // Memory settings of the C library, which Swift's own Glibc module leaves out.
        .target(name: "CAllocator"),
        // libjpeg-turbo and libpng behind functions of our own, and libwebp, libavif, libheif, libde265, giflib and libtiff as they are.
        .target(name: "CImageCodecs"),
        // Pixels, resizing, and drawing, in Swift alone.
        .target(name: "Imaging", swiftSettings: settings),
        // Image files to pixels and back, through the C libraries.
        .target(name: "ImageCodecs", dependencies: ["CImageCodecs", "Imaging"], swiftSettings: settings),
        .target(name: "InstanceSegmentation", dependencies: ["Imaging"], swiftSettings: settings),
        // What two runtimes share: finding libraries, threads, the ONNX file reader, tensors out of C.
        .target(name: "RuntimeSupport", dependencies: ["InstanceSegmentation"], swiftSettings: settings),
        .target(
            name: "ONNXRuntimeBackend",
            dependencies: [
                "InstanceSegmentation", "CONNXRuntime", "RuntimeSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "OpenVINOBackend", dependencies: ["InstanceSegmentation", "COpenVINO", "RuntimeSupport"],
            swiftSettings: settings),
        // Annotation files of other tools, and the hosted API's answer.
        .target(
            name: "AnnotationFormats", dependencies: ["ImageCodecs", "Imaging", "InstanceSegmentation"],
            swiftSettings: settings),
        // Values of the hosted API that servers and clients share.
        .target(name: "HostedAPI", swiftSettings: settings),
        // Which models there are and are loaded, who runs when, who may, and what it cost. No HTTP.
        .target(
            name: "Serving",
            dependencies: [
                "ImageCodecs",
                "Imaging",
                "InstanceSegmentation",
                "RuntimeSupport",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "HTTPServer",
            dependencies: [
                "AnnotationFormats",
                "HostedAPI",
                "ImageCodecs",
                "Imaging",
                "InstanceSegmentation",
                "RuntimeSupport",
                "Serving",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            // Pages and scripts for browsers, so that the program stays one file.
            resources: ["client.js", "roboflow.js", "inferencejs.js", "playground.html", "docs.html", "openapi.json"]
                .map { .embedInCode("Resources/\($0)") },
            swiftSettings: settings
        ),
        .executableTarget(
            name: "silhouette",
            dependencies: [
                "AnnotationFormats",
                "CAllocator",
                "HTTPServer",
                "HostedAPI",
                "ImageCodecs",
                "Imaging",
                "InstanceSegmentation",
                "ONNXRuntimeBackend",
                "OpenVINOBackend",
                "RuntimeSupport",
                "Serving",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            resources: [.embedInCode("Resources/quantize.py")],
            swiftSettings: settings
        ),
        // What `make bench` counts instructions and allocations of.
        .executableTarget(
            name: "stages",
            dependencies: [
                "AnnotationFormats", "HTTPServer", "ImageCodecs", "Imaging", "InstanceSegmentation",
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Benchmarks/Stages",
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Imaging", "InstanceSegmentation", "RuntimeSupport"],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "ImageCodecsTests", dependencies: ["ImageCodecs", "Imaging", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "HostedAPITests", dependencies: ["HostedAPI"], swiftSettings: settings),
        .testTarget(
            name: "InstanceSegmentationTests",
            dependencies: ["ImageCodecs", "Imaging", "InstanceSegmentation", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RuntimeSupportTests", dependencies: ["InstanceSegmentation", "RuntimeSupport", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ONNXRuntimeBackendTests",
            dependencies: [
                "ImageCodecs",
                "Imaging",
                "InstanceSegmentation",
                "ONNXRuntimeBackend",
                "RuntimeSupport",
                "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "OpenVINOBackendTests",
            dependencies: [
                "ImageCodecs", "Imaging", "InstanceSegmentation", "ONNXRuntimeBackend", "OpenVINOBackend",
                "TestSupport",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ServingTests",
            dependencies: [
                "ImageCodecs",
                "Imaging",
                "InstanceSegmentation",
                "ONNXRuntimeBackend",
                "RuntimeSupport",
                "Serving",
                "TestSupport",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "AnnotationFormats",
                "HTTPServer",
                "HostedAPI",
                "ImageCodecs",
                "Imaging",
                "InstanceSegmentation",
                "Serving",
                "TestSupport",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SilhouetteTests", dependencies: ["ImageCodecs", "Imaging", "TestSupport", "silhouette"],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
