public import Imaging
public import InstanceSegmentation

/// Why a request gets no prediction. `ErrorResponse` says what the client is told.
public enum ServingError: Error, Sendable {
    // Who and where.
    case unauthorized
    case quotaUsedUp(Int)
    /// A request by a page of another website, with the origin as the browser says it.
    case foreignOrigin(String)
    /// A name in `Host` that does not stand for this machine.
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
    /// What about a JSON body is beyond the limits, to be read after "The JSON body".
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
