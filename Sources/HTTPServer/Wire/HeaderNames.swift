import HTTPTypes

extension HTTPField.Name {
    static let apiKey = named("x-api-key")
    static let requestID = named("x-request-id")
    static let processingTime = named("x-processing-time")
    static let modelID = named("x-model-id")
    static let secFetchSite = named("sec-fetch-site")
    static let serverTiming = named("server-timing")
    static let allowPrivateNetwork = named("access-control-allow-private-network")
    static let requestPrivateNetwork = named("access-control-request-private-network")

    /// A header's name that is known to be one.
    private static func named(_ name: String) -> HTTPField.Name {
        guard let result = HTTPField.Name(name) else { preconditionFailure("\(name) is no header name") }
        return result
    }
}
