/// Decides whether answers that wait for their clients leave room for further ones, and which are given up when they do not. A value
/// without a clock, a lock, or a task: its owner carries out the decisions.
struct UnreadAnswers<Ticket: Hashable & Sendable>: Sendable {
    private struct Answer: Sendable {
        let owner: String?
        let bytes: Int
        let since: Duration
    }

    /// The memory of answers beyond which no further prediction begins, in bytes.
    let limit: Int
    /// The memory of all answers, in bytes.
    private(set) var bytes = 0
    private var answers: [Ticket: Answer] = [:]

    /// The time that a client has to read an answer before it may be given up for others.
    static var patience: Duration { .seconds(2) }

    /// Creates an empty set.
    init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// Adds an answer, whether there is room for it or not.
    mutating func add(_ ticket: Ticket, owner: String?, bytes: Int, now: Duration) {
        answers[ticket] = Answer(owner: owner, bytes: max(0, bytes), since: now)
        self.bytes += max(0, bytes)
    }

    /// Removes an answer.
    /// - Returns: its size in bytes, or nil if it is not there.
    mutating func remove(_ ticket: Ticket) -> Int? {
        guard let answer = answers.removeValue(forKey: ticket) else { return nil }
        bytes -= answer.bytes
        return answer.bytes
    }

    /// Names answers to give up until there is room: of the owner with the most memory, those that have waited with the most bytes
    /// for the longest time, but none that is younger than ``patience``.
    /// - Returns: the answers, which the caller removes, and the time until there may be more; nil if there is room.
    func makeRoom(now: Duration) -> (givenUp: [Ticket], retryAfter: Duration?) {
        var rest = answers
        var used = bytes
        var givenUp: [Ticket] = []
        while used >= limit {
            let owners = Dictionary(grouping: rest, by: \.value.owner)
            let heaviest = owners.max { sum($0.value) < sum($1.value) }?.value ?? []
            let old = heaviest.filter { now - $0.value.since >= Self.patience }
            guard let worst = old.max(by: { cost($0.value, now) < cost($1.value, now) }) else {
                let oldest = heaviest.map { now - $0.value.since }.max() ?? .zero
                return (givenUp, max(.zero, Self.patience - oldest))
            }
            rest[worst.key] = nil
            used -= worst.value.bytes
            givenUp.append(worst.key)
        }
        return (givenUp, nil)
    }

    private func sum(_ answers: [(key: Ticket, value: Answer)]) -> Int { answers.reduce(0) { $0 + $1.value.bytes } }

    private func cost(_ answer: Answer, _ now: Duration) -> Double {
        Double(answer.bytes) * ((now - answer.since) / .seconds(1))
    }
}
