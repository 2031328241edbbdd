import HTTPTypes
import ImageCodecs
import InstanceSegmentation
import Serving

extension ErrorResponse {
    /// The row of the table for an error of the service.
    init(_ error: ServiceError, style: ErrorStyle) {
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
                message:
                    "The key's quota of \(quota) \(quota == 1 ? "prediction" : "predictions") does not cover the request."
            )
        case .unknownModel(let id, let served):
            self.init(unknown: "model \(id)", served: served.map(\.description))
        case .missingImage:
            self.init(image: "Image not found in request body.", "missing_image")
        case .malformedBase64:
            self.init(image: "Malformed base64 input image.", "malformed_base64")
        case .emptyImage:
            self.init(image: "Empty image payload.", "empty_image")
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
                // Base64 of something other than an image is reported as malformed, as the hosted service does.
                self.init(image: "Malformed base64 input image.", "not_an_image")
            case .unsupported: self.init(image: reason.description, "unsupported_image", status: .unsupportedMediaType)
            case .tooLarge: self.init(image: reason.description, "image_too_large", status: .contentTooLarge)
            case .notWritable:
                self.init(.unprocessableContent, "not_writable", message: reason.description)
            case .outOfMemory:
                self.init(.serviceUnavailable, "memory", message: reason.description, retryAfter: 1)
            case .truncated, .corrupt: self.init(image: reason.description, "corrupt_image")
            }
        case .tooManyTiles(let count, let limit):
            self.init(
                .unprocessableContent, "too_many_tiles",
                message:
                    "tile: the image would have \(count) tiles; the limit is \(limit). Use larger tiles or less overlap."
            )
        case .tooManyImages(let count, let limit):
            self.init(
                .contentTooLarge, "too_many_images",
                message: "The request has \(count) images; the limit is \(limit). Send them in several requests.")
        case .notReady:
            self.init(
                .serviceUnavailable, "not_ready", message: "Model is temporarily not ready - retry request.",
                retryAfter: 1)
        case .overloaded(let seconds):
            self.init(
                .tooManyRequests, "overloaded", message: "Too many requests are waiting - retry request.",
                retryAfter: seconds)
        case .memoryExhausted(let seconds):
            self.init(
                .serviceUnavailable, "memory",
                message: "The requests in flight use all the memory that the server allows them - retry request.",
                retryAfter: seconds)
        case .exceedsMemory(let bytes, let limit):
            self.init(
                .contentTooLarge, "exceeds_memory",
                message: "The request needs \(bytes) bytes of memory; the server allows it \(limit) (--max-memory).")
        case .deadlineExceeded:
            self.init(
                .gatewayTimeout, "deadline", message: "The request was not answered within its time - retry request.")
        case .cancelled:
            self.init(
                .serviceUnavailable, "cancelled", message: "The server is shutting down - retry request.",
                retryAfter: 1)
        case .keyStoreBusy:
            self.init(
                .serviceUnavailable, "key_store_busy",
                message: "The key store is in use by another process - retry request.", retryAfter: 1)
        case .keyStoreFull:
            self.init(
                .serviceUnavailable, "key_store_full",
                message: "The server's disk is full, so that the key's quota cannot be charged - retry request later.",
                retryAfter: 30)
        case .missingScope(let scope, let hasKey): self.init(missing: scope, hasKey: hasKey, style: style)
        case .modelUnusable(let id, let reason):
            self.init(.internalServerError, "model_unusable", message: "The model \(id) cannot be used. \(reason)")
        case .failed:
            self.init(fault: "Internal error.")
        }
    }
}
