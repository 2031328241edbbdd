import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The state of one request and its response.
struct Exchange {
    /// Whether the request is complete.
    var isReceived = false
    /// Whether the response is complete.
    var isAnswered = false
    /// Whether the connection's guard counts the request as in flight.
    var isInFlight = false
    /// Whether the body is going to be read.
    var isBodyWanted = false
    /// Whether the client waits with its body for `100 Continue`.
    var awaitsGoAhead: Bool
    /// Whether the client, or its version of HTTP/1, ends the connection with the response.
    let isLast: Bool
    /// Bytes of the body that have arrived.
    private(set) var bytes = 0
    /// Bytes of the body that have arrived after the response.
    private(set) var unwanted = 0

    /// - Parameter isOld: whether the request is of a version before 1.1, which has no such expectation (RFC 9110, section 10.1.1).
    init(_ head: HTTPRequest, isOld: Bool) {
        let expectation = isOld ? "" : head.headerFields[.expect] ?? ""
        awaitsGoAhead = expectation.utf8.count == 12 && expectation.lowercased() == "100-continue"
        isLast = head.headerFields[.connection] == "close"
    }

    /// Bytes of a body that are taken from the client before it is known whether they are wanted.
    private static let maxEarly = 64 << 10

    /// Whether nothing more is taken from the client until the body is wanted or the request is answered.
    var holdsReads: Bool { !isBodyWanted && !isAnswered && !isReceived && bytes >= Self.maxEarly }

    /// Notes the end of the request.
    mutating func ended() {
        awaitsGoAhead = false
        isReceived = true
    }

    /// Notes a part of the body.
    mutating func received(_ count: Int) {
        awaitsGoAhead = false  // the client did not wait for it
        bytes += count
        if isAnswered { unwanted += count }
    }
}

extension ExchangeHandler {
    /// Says that a request's body is going to be read.
    struct BodyWanted: Sendable {}

    /// Says that a request is refused whose body has not been read to the end: the connection ends with the answer. With an
    /// error, the reader of the body gets it.
    struct BodyRefused: Sendable {
        let error: (any Error)?
    }

    /// Says that the caller has shown a key, so that its connection is not evicted while its body arrives.
    struct CallerKnown: Sendable {}
}

extension ErrorResponse {
    /// Whether an error says that what the client sent is not a valid request.
    static func isMalformedRequest(_ error: any Error) -> Bool {
        error is HTTPParserError || error is HTTP1TypeConversionError || error is HostFieldError
    }

    /// The response as the last one of its connection, or that of a stream of HTTP/2, without its end.
    func closingParts(isHTTP1: Bool) -> [HTTPResponsePart] {
        var head = HTTPResponse(status: status)
        head.headerFields = headers
        head.headerFields[.contentType] = "application/json"
        head.headerFields[.contentLength] = String(body.count)
        head.headerFields[.server] = "Silhouette"
        if isHTTP1 { head.headerFields[.connection] = "close" }
        return [.head(head), .body(ByteBuffer(bytes: body))]
    }
}
