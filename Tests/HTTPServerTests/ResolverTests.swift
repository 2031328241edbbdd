import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Serving
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// Decisions about name lookups, against a plain model.
@Suite struct LookupQueueTests {
    @Test(arguments: 0..<100) func boundsHoldWhateverHappens(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let limits = LookupQueue.Limits(
            maxRunning: Int.random(in: 1...4, using: &random),
            maxRunningPerOwner: Int.random(in: 1...3, using: &random),
            maxWaiting: Int.random(in: 0...6, using: &random), maxWaitingPerOwner: Int.random(in: 1...4, using: &random)
        )
        var queue = LookupQueue(limits: limits)
        var running: [(id: Int, owner: String)] = []
        var waiting: [(id: Int, owner: String)] = []
        func count(_ list: [(id: Int, owner: String)], _ owner: String) -> Int { list.count { $0.owner == owner } }
        func canRun(_ owner: String) -> Bool {
            running.count < limits.maxRunning && count(running, owner) < limits.maxRunningPerOwner
        }
        for id in 0..<300 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1, 2:
                let owner = ["a", "b", "c"][Int.random(in: 0..<3, using: &random)]
                let decision = queue.enter(id, owner: owner)
                if canRun(owner) {
                    #expect(decision == .run)
                    running.append((id, owner))
                } else if waiting.count < limits.maxWaiting, count(waiting, owner) < limits.maxWaitingPerOwner {
                    #expect(decision == .wait)
                    waiting.append((id, owner))
                } else {
                    #expect(decision == .refuse)
                }
            case 3:
                guard let index = running.indices.randomElement(using: &random) else { continue }
                let next = queue.finish(running.remove(at: index).id)
                let expected = waiting.firstIndex { canRun($0.owner) }
                #expect(next == expected.map { waiting[$0].id })
                if let expected { running.append(waiting.remove(at: expected)) }
            default:
                let all = running + waiting
                guard let chosen = all.randomElement(using: &random) else { continue }
                let index = waiting.firstIndex { $0.id == chosen.id }
                #expect(queue.abandon(chosen.id) == (index != nil))
                if let index { waiting.remove(at: index) }
            }
            #expect(queue.runningCount == running.count && queue.waitingCount == waiting.count, "seed \(seed)")
            // Nothing waits that could run.
            #expect(!waiting.contains { canRun($0.owner) }, "seed \(seed)")
        }
        #expect(queue.finish(-1) == nil && !queue.abandon(-1))
    }
}

/// Names that resolve slowly or never.
@Suite(.timeLimit(.minutes(1))) struct NameResolverTests {
    /// A lookup that hangs for names that begin with `slow` until it is opened.
    private final class Names: Sendable {
        private let gate = DispatchSemaphore(value: 0)
        private let state = Mutex((running: 0, most: 0, asked: [String]()))

        var running: Int { state.withLock { $0.running } }
        var most: Int { state.withLock { $0.most } }
        var asked: [String] { state.withLock { $0.asked } }

        func lookup(_ host: String) -> [IPAddress] {
            state.withLock { state in
                state.running += 1
                state.most = max(state.most, state.running)
                state.asked.append(host)
            }
            if host.hasPrefix("slow") {
                gate.wait()
                gate.signal()
            }
            state.withLock { $0.running -= 1 }
            return IPAddress(bytes: [192, 0, 2, 1]).map { [$0] } ?? []
        }

        func open() { gate.signal() }
    }

    private func label(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "answered"
        } catch let error as ServiceError {
            return ErrorResponse(error).label
        } catch {
            return "\(error)"
        }
    }

    @Test func slowNamesOfOneOwnerDoNotDelayAnother() async throws {
        let names = Names()
        defer { names.open() }
        let resolver = NameResolver(timeout: .seconds(30), lookup: names.lookup)
        let slow = (0..<10).map { i in Task { try await resolver.addresses(of: "slow\(i)", owner: "a") } }
        while names.running < 4 { try await Task.sleep(for: .milliseconds(5)) }
        for _ in 0..<20 {
            let start = ContinuousClock.now
            #expect(try await resolver.addresses(of: "fast", owner: "b").count == 1)
            #expect(ContinuousClock.now - start < .seconds(10))
        }
        #expect(names.running == 4, "one owner has more than its share")
        names.open()
        for each in slow { #expect(try await each.value.count == 1) }
        #expect(names.most <= 5)
    }

    @Test func callersThatGiveUpGoAtOnceAndTheirLookupsStillCount() async throws {
        let names = Names()
        defer { names.open() }
        let resolver = NameResolver(timeout: .milliseconds(200), lookup: names.lookup)
        let start = ContinuousClock.now
        #expect(await label { _ = try await resolver.addresses(of: "slow", owner: "a") } == "fetch_too_slow")
        #expect(ContinuousClock.now - start < .seconds(10))
        let patient = NameResolver(timeout: .seconds(60), lookup: names.lookup)
        let tasks = (0..<6).map { i in Task { try await patient.addresses(of: "slow\(i)", owner: "a") } }
        while names.running < 5 { try await Task.sleep(for: .milliseconds(5)) }
        for each in tasks { each.cancel() }
        for each in tasks { await #expect(throws: CancellationError.self) { try await each.value } }
        // Four threads still hang, so that a fifth lookup of the same owner does not begin.
        #expect(names.running == 5)
        let next = Task { try await patient.addresses(of: "fast", owner: "a") }
        try await Task.sleep(for: .milliseconds(100))
        #expect(!names.asked.contains("fast"))
        names.open()
        #expect(try await next.value.count == 1)
        // Those that waited and were canceled were never looked up.
        #expect(names.asked.count == 6)
    }

    @Test func aBoundedNumberWaits() async throws {
        let names = Names()
        defer { names.open() }
        let limits = LookupQueue.Limits(maxRunning: 2, maxRunningPerOwner: 2, maxWaiting: 3, maxWaitingPerOwner: 2)
        let resolver = NameResolver(limits: limits, timeout: .seconds(30), lookup: names.lookup)
        var tasks: [Task<[IPAddress], any Error>] = []
        func ask(_ owner: String) { tasks.append(Task { try await resolver.addresses(of: "slow", owner: owner) }) }
        for _ in 0..<2 { ask("a") }
        while names.running < 2 { try await Task.sleep(for: .milliseconds(5)) }
        for _ in 0..<2 { ask("a") }
        ask("b")
        while resolver.waitingCount < 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(await label { _ = try await resolver.addresses(of: "fast", owner: "a") } == "overloaded")
        #expect(await label { _ = try await resolver.addresses(of: "fast", owner: "c") } == "overloaded")
        names.open()
        for each in tasks { #expect(try await each.value.count == 1) }
        #expect(try await resolver.addresses(of: "fast", owner: "c").count == 1)
        #expect(names.most == 2)
    }

    @Test func fetchingEndsInTimeWhateverTheNameDoes() async throws {
        let names = Names()
        defer { names.open() }
        let fetcher = ImageFetcher(
            policy: AddressPolicy(), timeout: .milliseconds(200), resolver: NameResolver(lookup: names.lookup))
        let start = ContinuousClock.now
        #expect(await label { _ = try await fetcher.fetch("http://slow.test/a.png", owner: "a") } == "fetch_too_slow")
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(names.running == 1)
        let task = Task { try await fetcher.fetch("http://slow.test/a.png", owner: "b") }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
    }

    @Test func otherAddressesOfANameAreTried() async throws {
        let router = Router()
        router.get("/a.png") { request, _ in "\(request.head.authority ?? "")" }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: logger)
        try await application.test(.live) { client in
            let port = try #require(client.port)
            for (dead, isAnswered) in [(0, true), (1, true), (2, true), (3, false)] {
                let addresses = ((0..<dead).map { "127.0.0.\(2 + $0)" } + ["127.0.0.1"]).compactMap(
                    IPAddress.init(text:))
                let rule = try #require(AddressPolicy.Rule("pictures.test:\(port)"))
                let fetcher = ImageFetcher(
                    policy: AddressPolicy(rules: [rule]), resolver: NameResolver { _ in addresses })
                let outcome = await label {
                    let body = try await fetcher.fetch("http://pictures.test:\(port)/a.png")
                    #expect(String(buffer: body) == "pictures.test:\(port)")
                }
                #expect(outcome == (isAnswered ? "answered" : "fetch_failed"), "\(dead) dead addresses")
            }
            // One forbidden address of several is enough.
            let mixed = [[UInt8]](arrayLiteral: [8, 8, 8, 8], [127, 0, 0, 1]).compactMap(IPAddress.init(bytes:))
            let fetcher = ImageFetcher(policy: AddressPolicy(), resolver: NameResolver { _ in mixed })
            let outcome = await label { _ = try await fetcher.fetch("http://pictures.test:\(port)/a.png") }
            #expect(outcome == "forbidden_address")
        }
    }
}
