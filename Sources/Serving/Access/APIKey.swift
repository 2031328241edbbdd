import Crypto
public import Foundation
import InstanceSegmentation

/// An API key. Only its hash is stored; the secret is shown once, when the key is created.
public struct APIKey: Hashable, Sendable {
    /// A group of requests that a key permits.
    public enum Scope: String, CaseIterable, Comparable, Sendable {
        /// Predictions and the listing of models.
        case predict
        /// Loading and evicting models: `/model/add`, `/model/remove`, `/model/clear`, `/start`, `/clear_cache`.
        case manage
        /// Reading `/metrics` from another machine.
        case metrics

        /// All scopes, for the operator's own key.
        public static let all = Set(allCases)

        public static func < (a: Scope, b: Scope) -> Bool { a.rawValue < b.rawValue }
    }

    /// The limits of a key. By default it permits predictions with every model and never expires.
    public struct Limits: Hashable, Sendable {
        /// The permitted models, as `dataset` (every version) or `dataset/version`; `nil` permits all.
        public var models: Set<String>?
        /// The expiry date; `nil` if the key does not expire.
        public var expires: Date?
        /// The total number of predictions that the key permits; `nil` permits any number.
        public var quota: Int?
        /// The groups of requests that the key permits.
        public var scopes: Set<Scope>

        /// Creates the limits of a new key.
        /// - Parameters:
        ///   - models: the permitted models, as `dataset` or `dataset/version`; `nil` permits all.
        ///   - expires: the expiry date; `nil` if the key does not expire.
        ///   - quota: the total number of predictions that the key permits; `nil` permits any number.
        ///   - scopes: the groups of requests that the key permits.
        public init(
            models: Set<String>? = nil, expires: Date? = nil, quota: Int? = nil, scopes: Set<Scope> = [.predict]
        ) {
            self.models = models
            self.expires = expires
            self.quota = quota
            self.scopes = scopes
        }

        /// Returns whether the key permits a model.
        func allows(_ id: ModelID) -> Bool {
            models.map { $0.contains(id.dataset) || $0.contains(id.description) } ?? true
        }
    }

    /// The state of a key: whether it is accepted, and if not, why.
    public enum State: Hashable, Sendable {
        case active
        case expired(Date)
        case revoked(Date)
    }

    /// The public identifier of the key in lists and in the log; not a secret.
    public let id: String
    public let name: String
    public let created: Date
    public let revoked: Date?
    public let limits: Limits
    /// Number of predictions requested with the key; counted only if it has a quota.
    public let used: Int

    public init(
        id: String, name: String, created: Date, revoked: Date? = nil, limits: Limits = Limits(), used: Int = 0
    ) {
        self.id = id
        self.name = name
        self.created = created
        self.revoked = revoked
        self.limits = limits
        self.used = used
    }

    /// Returns the state of the key at a given time.
    public func state(at now: Date = Date()) -> State {
        if let revoked { return .revoked(revoked) }
        if let expires = limits.expires, expires <= now { return .expired(expires) }
        return .active
    }

    /// A new secret: `rf_` and 32 letters and digits, some 165 bits.
    ///
    /// Keys are pasted into addresses as they are, so there is nothing in them that would have to be escaped; and the
    /// `roboflow` package takes one without a lower-case letter for its demonstration mode.
    static func makeSecret() -> String {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        return "rf_" + String((0..<32).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
    }

    /// A new public name: eight hexadecimal digits.
    static func makeID() -> String {
        let digits = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// SHA-256 of a secret. The secret is random and long, so that a slow hash would add nothing.
    static func hash(_ secret: String) -> Data {
        Data(SHA256.hash(data: Data(secret.utf8)))
    }
}
