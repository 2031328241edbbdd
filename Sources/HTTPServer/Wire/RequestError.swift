/// Why a request was refused before the service was asked. `ErrorResponse` says what the client is told.
enum RequestError: Error, Sendable {
    // Origin and route.
    /// A request by a page of another website, with its origin where the browser names it.
    case foreignOrigin(String?)
    /// A name in `Host` that is not known to be this machine's.
    case foreignHost(String)
    case notFound
    case methodNotAllowed
    case unknownProject(String, served: [String])
    // The head and the body.
    case pathTooLong
    case targetTooLong
    case headersTooLarge
    case bodyTooLarge(limit: Int, size: Int?)
    /// A body that did not arrive within the whole time for it, or below the minimum rate in bytes per second.
    case bodyTimeout(Duration, minRate: Int)
    case unsupportedContentEncoding(String)
    case unsupportedExpectation
    case tooManyFields(limit: Int)
    case partHeadTooLarge(limit: Int)
    /// A body that begins with a mark of UTF-16, in which some platforms write text.
    case notUTF8
    case malformedJSON(String)
    /// A JSON body beyond the limits. The text continues "The JSON body".
    case jsonTooComplex(String)
    // Parameters.
    case invalidParameter(InvalidParameter)
    case invalidMaskDecode
    case invalidModelID
    case missingFilePart
    case numpyImage
    case unknownImageType
}

/// A parameter whose value cannot be used.
struct InvalidParameter: Sendable {
    /// Where it stood: `query` or `body`.
    let location: String
    let name: String
    /// A short stable word, such as `float_parsing`.
    let kind: String
    /// What was expected, to be read after "expected".
    let expected: String
    /// What was sent.
    let input: String
}
