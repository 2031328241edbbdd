import Crypto
public import Foundation
import InstanceSegmentation

/// A key that lets a client in. Only its hash is kept; the secret is shown once, when it is made.
public struct APIKey: Hashable, Sendable {
    /// A group of requests that a key permits.
    public enum Scope: String, CaseIterable, Comparable, Sendable {
        /// Predictions and the listing of models.
        case predict
        /// Loading and evicting models: `/model/add`, `/model/remove`, `/model/clear`, `/start`, `/clear_cache`.
        case manage
        /// `/metrics` from another machine.
        case metrics

        /// Every scope, for the operator's own key.
        public static let all = Set(allCases)

        public static func < (a: Scope, b: Scope) -> Bool { a.rawValue < b.rawValue }
    }

    /// What a key may be used for. By default predictions with every model, without an end.
    public struct Limits: Hashable, Sendable {
        /// The models that it opens, as `dataset` (every version) or `dataset/version`; all where it is `nil`.
        public var models: Set<String>?
        /// When it stops working.
        public var expires: Date?
        /// Predictions that may be asked for with it, in all.
        public var quota: Int?
        /// The groups of requests that the key permits.
        public var scopes: Set<Scope>

        /// Limits of a new key.
        /// - Parameters:
        ///   - models: the models that it opens, as `dataset` or `dataset/version`; all where it is `nil`.
        ///   - expires: when it stops working; never where it is `nil`.
        ///   - quota: the predictions that it permits in total; any number where it is `nil`.
        ///   - scopes: the groups of requests that it permits.
        public init(
            models: Set<String>? = nil, expires: Date? = nil, quota: Int? = nil, scopes: Set<Scope> = [.predict]
        ) {
            self.models = models
            self.expires = expires
            self.quota = quota
            self.scopes = scopes
        }

        /// Whether the key opens a model.
        func allows(_ id: ModelID) -> Bool {
            models.map { $0.contains(id.dataset) || $0.contains(id.description) } ?? true
        }
    }

    /// What has become of a key.
    public enum State: Hashable, Sendable {
        case active
        case expired(Date)
        case revoked(Date)
    }

    /// Names the key in lists and in the log; no secret.
    public let id: String
    public let name: String
    public let created: Date
    public let revoked: Date?
    public let limits: Limits
    /// Predictions that were asked for with it; counted where it has a quota.
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

    /// What has become of the key at a time.
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
