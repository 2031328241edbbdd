public import Imaging
public import InstanceSegmentation

/// Why a request gets no prediction. `ErrorResponse` says what the client is told.
public enum ServingError: Error, Sendable {
    // Who and where.
    case unauthorized
    case quotaUsedUp(Int)
    /// A request by a page of another website, with its origin where the browser names it.
    case foreignOrigin(String?)
    /// A name in `Host` that is not known to be this machine's.
    case foreignHost(String)
    case notFound
    case methodNotAllowed
    case unknownModel(ModelID, served: [ModelID])
    case unknownProject(String, served: [String])
    // The request.
    case targetTooLong
    case headersTooLarge
    case bodyTooLarge(limit: Int, size: Int?)
    case unsupportedContentEncoding(String)
    case unsupportedExpectation
    case invalidParameter(InvalidParameter)
    case invalidMaskDecode
    case invalidModelID
    case malformedJSON(String)
    /// A JSON body beyond the limits. The text continues "The JSON body".
    case jsonTooComplex(String)
    case tooManyFields(limit: Int)
    case partHeadTooLarge(limit: Int)
    // The image.
    case missingImage
    case missingFilePart
    case malformedBase64
    case emptyImage
    case numpyImage
    case unknownImageType
    case invalidURL
    case fetchFailed
    case fetchTooSlow(seconds: Int)
    case fetchTooLarge(limit: Int)
    case fetchedNoImage
    case forbiddenAddress
    case image(ImageCodecError)
    case tooManyTiles(Int, limit: Int)
    // The server.
    case notReady
    case overloaded
    case deadlineExceeded
    case modelUnusable(ModelID, reason: String)
}

/// A parameter whose value cannot be used.
public struct InvalidParameter: Sendable {
    /// Where it stood: `query` or `body`.
    public let location: String
    public let name: String
    /// A short stable word, such as `float_parsing`.
    public let kind: String
    /// What was expected, to be read after "expected".
    public let expected: String
    /// What was sent.
    public let input: String

    public init(location: String, name: String, kind: String, expected: String, input: String) {
        self.location = location
        self.name = name
        self.kind = kind
        self.expected = expected
        self.input = input
    }
}
