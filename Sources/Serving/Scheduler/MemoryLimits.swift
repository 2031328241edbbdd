/// A share of the memory budget, by its use.
package enum MemoryShare: Int, CaseIterable, Sendable {
    /// Request bodies of callers that have not shown a valid key yet.
    case strangerBodies
    /// Request bodies of authorized callers.
    case bodies
    /// Decoded images of running requests.
    case images
    /// Responses that their clients have not read yet.
    case answers
}

/// The limits of the memory that requests may hold, in bytes. Values outside the accepted range are clamped to it.
public struct MemoryLimits: Hashable, Sendable {
    /// The maximum of all shares together, at least 1 MiB.
    public let total: Int
    /// The maximum for request bodies before a valid key is known, at most an eighth of the total.
    public let strangerBodies: Int
    /// The maximum for other request bodies, at most half of the total.
    public let bodies: Int
    /// The maximum for decoded images, at most the total.
    public let images: Int
    /// The amount of unread responses, in bytes, above which no further prediction starts; at most an eighth of the
    /// total.
    public let answers: Int

    /// Creates limits.
    /// - Parameters:
    ///   - total: the maximum of all shares together; 1 GiB by default.
    ///   - strangerBodies: a sixteenth of the total by default.
    ///   - bodies: a quarter of the total by default.
    ///   - images: the total by default.
    ///   - answers: a sixteenth of the total by default.
    public init(
        total: Int = 1 << 30, strangerBodies: Int? = nil, bodies: Int? = nil, images: Int? = nil, answers: Int? = nil
    ) {
        let total = max(1 << 20, total)
        self.total = total
        self.strangerBodies = min(max(1, strangerBodies ?? total / 16), total / 8)
        self.bodies = min(max(1, bodies ?? total / 4), total / 2)
        self.images = min(max(1, images ?? total), total)
        self.answers = min(max(1, answers ?? total / 16), total / 8)
    }

    /// The maximum memory that one request may use for its images: what is available to it when no other request runs,
    /// regardless of bodies and unread responses. A larger request could wait for ever.
    public var largestImages: Int { min(images, total - bodies - strangerBodies - answers) }

    /// The maximum of one share.
    package subscript(_ share: MemoryShare) -> Int {
        switch share {
        case .strangerBodies: strangerBodies
        case .bodies: bodies
        case .images: images
        case .answers: answers
        }
    }
}
