import HTTPTypes
import Hummingbird
import NIOCore

/// The pages and scripts that the server gives to browsers. They are part of the program.
enum Asset: Equatable, CaseIterable {
    case playground
    case docs
    case openAPI
    case roboflow
    case inferencejs
    case inferenceModule

    /// The script of that file name.
    static func script(_ name: String) -> Asset? {
        switch name {
        case "roboflow.js": .roboflow
        case "inferencejs.js": .inferencejs
        case "inferencejs.mjs": .inferenceModule
        default: nil
        }
    }

    var mediaType: String {
        switch self {
        case .playground, .docs: "text/html; charset=utf-8"
        case .openAPI: "application/json"
        case .roboflow, .inferencejs, .inferenceModule: "text/javascript; charset=utf-8"
        }
    }

    /// A script is put together from where it was loaded, the client of that server, and what is the script's own.
    var bytes: [UInt8] {
        func script(_ own: [UInt8]) -> [UInt8] {
            let start = """
                (() => {
                "use strict";
                const server = new URL(document.currentScript ? document.currentScript.src : location.href).origin;

                """
            return Array(start.utf8) + PackageResources.client_js + own + Array("})();\n".utf8)
        }
        return switch self {
        case .playground: PackageResources.playground_html
        case .docs: PackageResources.docs_html
        case .openAPI: PackageResources.openapi_json
        case .roboflow: script(PackageResources.roboflow_js)
        case .inferencejs: script(PackageResources.inferencejs_js)
        case .inferenceModule:
            Array("const server = new URL(import.meta.url).origin;\n".utf8) + PackageResources.client_js
                + PackageResources.inferencejs_js + Array("export { InferenceEngine, CVImage };\n".utf8)
        }
    }
}

/// `/`, `/docs`, `/openapi.json` and the scripts. None needs a key.
struct AssetRoutes: Sendable {
    /// The content of each, which all answers share, so that many that are not read take no memory.
    private let contents = Asset.allCases.map { (asset: $0, buffer: ByteBuffer(bytes: $0.bytes)) }

    func asset(_ asset: Asset) -> Response {
        var headers: HTTPFields = [.contentType: asset.mediaType, .cacheControl: "public, max-age=300"]
        switch asset {
        case .playground, .docs:
            headers[.contentSecurityPolicy] =
                "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
                + "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
        case .openAPI, .roboflow, .inferencejs, .inferenceModule:
            // A script is there to be loaded by pages from elsewhere.
            headers[.crossOriginResourcePolicy] = "cross-origin"
        }
        let content = contents.first { $0.asset == asset }?.buffer ?? ByteBuffer(bytes: asset.bytes)
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: content))
    }
}
