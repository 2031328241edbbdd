import AnnotationFormats
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import Serving

/// The table from errors to answers: the only place that knows status codes and error bodies.
struct ErrorResponse: Sendable {
    let status: HTTPResponse.Status
    /// A short stable word for the log.
    let label: String
    let body: [UInt8]
    var headers = HTTPFields()
    /// Whether the server is at fault, so that the log needs the whole error.
    var isFault = false

    /// What is told to the client for an error.
    /// - Parameters:
    ///   - style: how the route tells errors.
    ///   - methods: what the route answers.
    init(_ error: any Error, style: ErrorStyle = .hosted, methods: [HTTPRequest.Method] = [.get, .post]) {
        switch error {
        case HTTPParserError.headerOverflow:
            self.init(RequestError.headersTooLarge, methods: methods)
            return
        case _ where Self.isMalformedRequest(error):  // or the body is cut off, or not what its head announced
            self.init(.badRequest, "malformed_request", message: "The request is malformed: \(error).")
            return
        case let error as RefusedHeadError:
            self.init(error.cause, style: style, methods: methods)
            return
        case let error as BodyTimeoutError:
            self.init(RequestError.bodyTimeout(error.timeout, minRate: error.minRate), methods: methods)
            return
        case is ClientDisconnected:  // for the log and the metrics; the client does not get it
            self.init(status: .clientClosedRequest, label: "client_closed_request", body: [])
            return
        default: break
        }
        switch error {
        case let error as RequestError: self.init(error, methods: methods)
        default: self.init(ServiceError(error), style: style)
        }
    }

    private init(_ error: RequestError, methods: [HTTPRequest.Method]) {
        switch error {
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
        case .unknownProject(let name, let served):
            self.init(unknown: "project \(name)", served: served)
        case .pathTooLong:
            self.init(
                .uriTooLong, "path_too_long",
                message: "The path of the request is too long: it may have \(RequestHead.maxPath) bytes.")
        case .targetTooLong:
            self.init(
                .uriTooLong, "target_too_long",
                message: "The address of the request is too long: it may have \(RequestHead.maxTarget) bytes.")
        case .headersTooLarge:
            self.init(
                .requestHeaderFieldsTooLarge, "headers_too_large",
                message: "The head of the request is too large: it may have \(RequestHead.maxFields) headers of "
                    + "\(RequestHead.maxHeaders) bytes together, and an address of \(RequestHead.maxTarget) bytes.")
        case .bodyTooLarge(let limit, let size):
            let found = size.map { "\($0) bytes" } ?? "more"
            self.init(
                .contentTooLarge, "body_too_large",
                message: "The request body is too large: the limit is \(limit) bytes, it has \(found).")
        case .bodyTimeout(let timeout, let minRate):
            self.init(
                .requestTimeout, "body_timeout",
                message: "The request body was not received in time. It must arrive within \(timeout), at no less "
                    + "than \(minRate) bytes per second.")
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
        case .notUTF8:
            self.init(.badRequest, "not_utf8", message: "The request body is text in UTF-16. Send it as UTF-8.")
        case .malformedJSON(let reason):
            self.init(.badRequest, "malformed_json", message: "The request body begins like JSON but is not: \(reason)")
        case .missingFilePart:
            self.init(
                image: "Expected image to be send in part named 'file' of multipart/form-data request",
                "missing_file_part")
        case .numpyImage:
            self.init(image: "NumPy image type is not supported in this configuration of `inference`.", "numpy_image")
        case .unknownImageType:
            self.init(
                .badRequest, "unknown_image_type",
                message: "Image declaration contains not recognised image type.")
        }
    }

    init(status: HTTPResponse.Status, label: String, body: [UInt8]) {
        self.status = status
        self.label = label
        self.body = body
    }

    init(
        _ status: HTTPResponse.Status, _ label: String, message: String, detail: Bool = false, retryAfter: Int? = nil
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
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
    }

    init(fault message: String) {
        self.init(.internalServerError, "internal", message: message)
        isFault = true
    }

    init(unknown thing: String, served: [String]) {
        let list = served.isEmpty ? "none" : served.prefix(20).joined(separator: ", ")
        self.init(
            .notFound, "unknown_model",
            message:
                "Requested Roboflow resource not found. Make sure that workspace, project or model you referred in "
                + "request exists. There is no \(thing) here; served are: \(list).")
    }

    init(image cause: String, _ label: String, status: HTTPResponse.Status = .badRequest) {
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
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension HTTPResponse.Status {
    static let paymentRequired = HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required")
    static let clientClosedRequest = HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request")
    static let contentTooLarge = HTTPResponse.Status(code: 413, reasonPhrase: "Content Too Large")
    static let unprocessableContent = HTTPResponse.Status(code: 422, reasonPhrase: "Unprocessable Content")
}
