import HTTPTypes
import Hummingbird
import Imaging
import InstanceSegmentation
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// The table from errors to answers: the only place that knows status codes and error bodies.
struct ErrorResponse: Sendable {
    let status: HTTPResponse.Status
    /// A short stable word for the log.
    let label: String
    let body: [UInt8]
    var headers = HTTPFields()

    /// What is told to the client for an error.
    /// - Parameters:
    ///   - style: how the route tells errors.
    ///   - methods: what the route answers.
    init(_ error: any Error, style: ErrorStyle = .hosted, methods: [HTTPRequest.Method] = [.get, .post]) {
        switch error {
        case HTTPParserError.headerOverflow:
            self.init(ServingError.headersTooLarge, style: style, methods: methods)
            return
        case is HTTPParserError, is HTTP1TypeConversionError:  // or the body is cut off, or not what its head announced
            self.init(.badRequest, "malformed_request", message: "The request is malformed: \(error).")
            return
        default: break
        }
        guard let error = error as? ServingError else {
            self.init(.internalServerError, "internal", message: "Internal error.")
            return
        }
        switch error {
        case .unauthorized:
            switch style {
            case .hosted:
                self.init(
                    status: .forbidden, label: "unauthorized",
                    body: Array(#"{"Message": "User is not authorized to access this resource"}"#.utf8))
            case .infer:
                self.init(
                    status: .unauthorized, label: "unauthorized",
                    body: Array(#"{"status": 401, "message": "Unauthorized api_key"}"#.utf8))
            case .management:
                self.init(
                    status: .unauthorized, label: "unauthorized",
                    body: Array(
                        #"{"error": {"message": "This API key does not exist (or has been revoked)."}}"#.utf8))
            }
        case .quotaUsedUp(let quota):
            self.init(
                .paymentRequired, "quota_used_up",
                message: "The key's quota is used up: \(quota) \(quota == 1 ? "prediction" : "predictions").")
        case .foreignOrigin(let origin):
            let page = origin.map { "'\($0.prefix(200))'" } ?? "another website"
            self.init(
                .forbidden, "foreign_origin",
                message: "Requests from \(page) are not accepted. Without API keys the server answers its own pages "
                    + "only; --cors ORIGIN allows another origin.")
        case .foreignHost(let host):
            self.init(
                .forbidden, "foreign_host",
                message: "The host '\(host.prefix(200))' is not known to be this server. Without API keys it answers "
                    + "requests to localhost and its own address only; --cors http://HOST allows another name.")
        case .notFound:
            self.init(.notFound, "not_found", message: "Not Found", detail: true)
        case .methodNotAllowed:
            self.init(.methodNotAllowed, "method_not_allowed", message: "Method Not Allowed", detail: true)
            headers[.allow] = (methods + [.options]).map(\.rawValue).joined(separator: ", ")
        case .unknownModel(let id, let served):
            self.init(unknown: "model \(id)", served: served.map(\.description))
        case .unknownProject(let name, let served):
            self.init(unknown: "project \(name)", served: served)
        case .targetTooLong:
            self.init(
                .uriTooLong, "target_too_long",
                message: "The address of the request is too long: it may have \(RequestHead.maxTarget) bytes.")
        case .headersTooLarge:
            self.init(
                .requestHeaderFieldsTooLarge, "headers_too_large",
                message: "The head of the request is too large: its headers may have \(RequestHead.maxHeaders) bytes.")
        case .bodyTooLarge(let limit, let size):
            let found = size.map { "\($0) bytes" } ?? "more"
            self.init(
                .contentTooLarge, "body_too_large",
                message: "The request body is too large: the limit is \(limit) bytes, it has \(found).")
        case .unsupportedContentEncoding(let encoding):
            self.init(
                .unsupportedMediaType, "content_encoding",
                message: "The content encoding '\(encoding)' of the request is not supported; send the body as it is.")
        case .unsupportedExpectation:
            self.init(.expectationFailed, "expectation", message: "Only 'Expect: 100-continue' is supported.")
        case .invalidParameter(let parameter):
            self.init(parameter)
        case .invalidModelID:
            self.init(.badRequest, "invalid_model_id", message: "Invalid Model ID sent in request.")
        case .invalidMaskDecode:
            self.init(
                .badRequest, "mask_decode",
                message:
                    "Invalid mask decode argument sent. tradeoff_factor must be in [0.0, 1.0], mask_decode_mode: must be "
                    + "one of ['accurate', 'fast', 'tradeoff']")
        case .jsonTooComplex(let what):
            self.init(.badRequest, "json_too_complex", message: "The JSON body \(what).")
        case .tooManyFields(let limit):
            self.init(.badRequest, "too_many_fields", message: "The request has more than \(limit) fields.")
        case .partHeadTooLarge(let limit):
            self.init(
                .badRequest, "part_head_too_large",
                message: "The headers of a part of the multipart/form-data request exceed \(limit) bytes.")
        case .malformedJSON(let reason):
            self.init(.badRequest, "malformed_json", message: "The request body begins like JSON but is not: \(reason)")
        case .missingImage:
            self.init(image: "Image not found in request body.", "missing_image")
        case .missingFilePart:
            self.init(
                image: "Expected image to be send in part named 'file' of multipart/form-data request",
                "missing_file_part")
        case .malformedBase64:
            self.init(image: "Malformed base64 input image.", "malformed_base64")
        case .emptyImage:
            self.init(image: "Empty image payload.", "empty_image")
        case .numpyImage:
            self.init(image: "NumPy image type is not supported in this configuration of `inference`.", "numpy_image")
        case .unknownImageType:
            self.init(
                .badRequest, "unknown_image_type",
                message: "Image declaration contains not recognised image type.")
        case .invalidURL:
            self.init(image: "Provided image URL is invalid", "invalid_url")
        case .fetchFailed:
            self.init(image: "Data pointed by URL could not be decoded into image.", "fetch_failed")
        case .fetchTooSlow(let seconds):
            self.init(image: "Fetching the image took longer than \(seconds) s.", "fetch_too_slow")
        case .fetchTooLarge(let limit):
            self.init(image: "The image is larger than \(limit) bytes.", "fetch_too_large")
        case .fetchedNoImage:
            self.init(image: "Data is not image.", "fetched_no_image")
        case .forbiddenAddress:
            self.init(image: "URL points to a network destination that is not allowed.", "forbidden_address")
        case .image(let reason):
            switch reason {
            case .unrecognized:
                // Base64 of something that is no image is told as malformed, as the hosted service does.
                self.init(image: "Malformed base64 input image.", "not_an_image")
            case .unsupported: self.init(image: reason.description, "unsupported_image", status: .unsupportedMediaType)
            case .tooLarge: self.init(image: reason.description, "image_too_large", status: .contentTooLarge)
            default: self.init(image: reason.description, "corrupt_image")
            }
        case .tooManyTiles(let count, let limit):
            self.init(
                .unprocessableContent, "too_many_tiles",
                message:
                    "tile: the picture would have \(count) tiles; the limit is \(limit). Use larger tiles or less overlap."
            )
        case .notReady:
            self.init(
                .serviceUnavailable, "not_ready", message: "Model is temporarily not ready - retry request.",
                retry: true)
        case .overloaded:
            self.init(
                .tooManyRequests, "overloaded", message: "Too many requests are waiting - retry request.", retry: true)
        case .deadlineExceeded:
            self.init(.gatewayTimeout, "deadline", message: "The request waited too long for its turn - retry request.")
        case .modelUnusable(let id, let reason):
            self.init(
                .internalServerError, "model_unusable", message: "The model \(id) cannot be used. \(reason)")
        }
    }

    private init(status: HTTPResponse.Status, label: String, body: [UInt8]) {
        self.status = status
        self.label = label
        self.body = body
    }

    private init(
        _ status: HTTPResponse.Status, _ label: String, message: String, detail: Bool = false, retry: Bool = false
    ) {
        var writer = JSONWriter()
        writer.raw(#"{"message":"#)
        writer.string(message)
        if detail {
            writer.raw(#","detail":"#)
            writer.string(message)
        }
        writer.raw("}")
        self.init(status: status, label: label, body: writer.bytes)
        if retry { headers[.retryAfter] = "1" }
    }

    private init(unknown thing: String, served: [String]) {
        let list = served.isEmpty ? "none" : served.prefix(20).joined(separator: ", ")
        self.init(
            .notFound, "unknown_model",
            message:
                "Requested Roboflow resource not found. Make sure that workspace, project or model you referred in "
                + "request exists. There is no \(thing) here; served are: \(list).")
    }

    private init(image cause: String, _ label: String, status: HTTPResponse.Status = .badRequest) {
        self.init(status, label, message: "Could not load input image. Cause: \(cause)")
    }

    private init(_ parameter: InvalidParameter) {
        var writer = JSONWriter()
        // An image or a key must never be echoed: only short values are.
        let shown = parameter.input.utf8.count <= 64 ? parameter.input : nil
        writer.raw(#"{"message":"#)
        writer.string(
            "\(parameter.name): expected \(parameter.expected), got " + (shown.map { "\"\($0)\"" } ?? "something else"))
        writer.raw(#","detail":[{"type":"#)
        writer.string(parameter.kind)
        writer.raw(#","loc":["#)
        writer.string(parameter.location)
        writer.raw(",")
        writer.string(parameter.name)
        writer.raw(#"],"msg":"#)
        writer.string(parameter.kind == "missing" ? "Field required" : "Input should be \(parameter.expected)")
        if let shown {
            writer.raw(#","input":"#)
            writer.string(shown)
        }
        writer.raw("}]}")
        self.init(status: .unprocessableContent, label: "invalid_parameter", body: writer.bytes)
    }

    /// The answer for HTTP.
    var response: Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension HTTPResponse.Status {
    fileprivate static let paymentRequired = HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required")
    fileprivate static let contentTooLarge = HTTPResponse.Status(code: 413, reasonPhrase: "Content Too Large")
    fileprivate static let unprocessableContent = HTTPResponse.Status(code: 422, reasonPhrase: "Unprocessable Content")
}
