import Dispatch
import Foundation
import InstanceSegmentation
import Synchronization
import Testing

@testable import RuntimeSupport

/// A session that a test holds and releases. It answers its inputs.
private final class GatedSession: Sendable {
    private let state = Mutex((active: 0, most: 0, calls: 0))
    private let gate = DispatchSemaphore(value: 0)
    private let entered = DispatchSemaphore(value: 0)
    private let isGated: Bool

    init(isGated: Bool = true) {
        self.isGated = isGated
    }

    var calls: Int { state.withLock { $0.calls } }
    /// Most runs that were active at once.
    var most: Int { state.withLock { $0.most } }

    /// Lets runs go on.
    func open(_ count: Int = 1) {
        for _ in 0..<count { gate.signal() }
    }

    /// Waits for runs to have begun since the last call; whether they did.
    func begins(_ count: Int = 1) async -> Bool {
        for _ in 0..<count {
            guard await within30Seconds({ self.entered.wait(timeout: .now()) == .success }) else { return false }
        }
        return true
    }

    func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
        state.withLock { $0 = ($0.active + 1, max($0.most, $0.active + 1), $0.calls + 1) }
        defer { state.withLock { $0.active -= 1 } }
        entered.signal()
        if isGated { gate.wait() }
        return inputs
    }
}

/// What happened, in its order.
final class Log: Sendable {
    private let list = Mutex<[Int]>([])
    var entries: [Int] { list.withLock { $0 } }
    func add(_ entry: Int) { list.withLock { $0.append(entry) } }
}

/// Asks until the answer is yes.
private func within30Seconds(_ isTrue: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(30)
    while !isTrue() {
        guard ContinuousClock.now < end else { return false }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return true
}

@Suite(.timeLimit(.minutes(2))) struct SessionPoolTests {
    private let description = ModelDescription(inputs: [], outputs: [], metadata: [:])

    private func pool(_ session: GatedSession, concurrency: Int) -> SessionPool {
        SessionPool(model: description, maxConcurrency: concurrency) { try session.run($0) }
    }

    private func pool(_ session: GatedSession, wide: GatedSession, wideCount: Int, concurrency: Int) -> SessionPool {
        SessionPool(
            model: description, maxConcurrency: concurrency,
            wide: SessionPool.WideSession(count: wideCount) { try wide.run($0) }
        ) { try session.run($0) }
    }

    private func input(_ i: Int) -> [String: Tensor] { ["x": Tensor(shape: [1], elements: [Float(i)])] }

    @Test func everyCallerGetsItsOwnAnswerAndNoMoreRunThanMay() async throws {
        let session = GatedSession(isGated: false)
        let pool = pool(session, concurrency: 2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for i in 0..<2000 {
                group.addTask {
                    let result = try await pool.infer(input(i))
                    #expect(result.outputs["x"]?.elements == [Float(i)])
                }
            }
            try await group.waitForAll()
        }
        #expect(session.calls == 2000 && session.most <= 2)
    }

    @Test func fewCallersUseTheWideSessionAndManyShareTheMachine() async throws {
        let (wide, single) = (GatedSession(), GatedSession())
        let pool = pool(single, wide: wide, wideCount: 2, concurrency: 3)
        async let first = pool.infer(input(1))
        async let second = pool.infer(input(2))
        #expect(await wide.begins(2))
        async let third = pool.infer(input(3))
        #expect(await single.begins())
        #expect(wide.calls == 2 && single.calls == 1)
        wide.open(2)
        single.open()
        _ = try await (first, second, third)
        async let again = pool.infer(input(4))
        #expect(await wide.begins())
        wide.open()
        _ = try await again
        #expect(wide.calls == 3 && single.calls == 1)
    }

    @Test func callersThatWaitRunInTheirOrderAndAreToldHowLongTheyWaited() async throws {
        let session = GatedSession()
        let pool = pool(session, concurrency: 1)
        let order = Log()
        let first = Task { try await pool.infer(input(0)) }
        #expect(await session.begins())
        var waiting: [Task<Duration, any Error>] = []
        for i in 1...5 {
            waiting.append(
                Task {
                    let result = try await pool.infer(input(i))
                    order.add(i)
                    return result.queueDuration
                })
            #expect(await within30Seconds { pool.pending == i + 1 })
        }
        #expect(
            try await {
                session.open(); return try await first.value.queueDuration
            }() == .zero)
        for task in waiting {
            session.open()
            #expect(try await task.value > .zero)
        }
        #expect(order.entries == [1, 2, 3, 4, 5])
        #expect(pool.pending == 0)
    }

    @Test func aCanceledCallerStopsWaitingAtOnce() async throws {
        let session = GatedSession()
        let pool = pool(session, concurrency: 1)
        let first = Task { try await pool.infer(input(1)) }
        #expect(await session.begins())
        let waiting = Task { try await pool.infer(input(2)) }
        #expect(await within30Seconds { pool.pending == 2 })
        waiting.cancel()
        // The first run is still held.
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(pool.pending == 1)
        // A run that is active is not interrupted.
        first.cancel()
        session.open()
        #expect(try await first.value.outputs["x"]?.elements == [1])
        session.open()
        #expect(try await pool.infer(input(3)).outputs["x"]?.elements == [3])
        #expect(session.calls == 2, "the canceled caller did not run")
    }

    @Test func aCanceledTaskDoesNotBegin() async {
        let session = GatedSession(isGated: false)
        let pool = pool(session, concurrency: 1)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await pool.infer(input(1))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(session.calls == 0)
    }

    @Test func callersThatComeAndGoNeitherLoseNorDoubleASlot() async throws {
        let session = GatedSession(isGated: false)
        let pool = pool(session, wide: session, wideCount: 1, concurrency: 3)
        await withTaskGroup(of: Void.self) { group in
            for i in 0..<3000 {
                group.addTask {
                    let task = Task { try await pool.infer(input(i)) }
                    if i % 3 == 0 { await Task.yield() }
                    if i % 2 == 0 { task.cancel() }
                    do {
                        #expect(try await task.value.outputs["x"]?.elements == [Float(i)])
                    } catch {
                        #expect(error is CancellationError && i % 2 == 0)
                    }
                }
            }
        }
        #expect(pool.pending == 0 && session.most <= 3)
        try await pool.warmUp(input(1))
        _ = try await pool.infer(input(1))
    }

    @Test func aFailedRunReleasesItsSlot() async {
        struct Failure: Error {}
        let pool = SessionPool(model: description, maxConcurrency: 1) { _ in throw Failure() }
        for i in 0..<5 { await #expect(throws: Failure.self) { try await pool.infer(input(i)) } }
        await #expect(throws: Failure.self) { try await pool.warmUp(input(1)) }
        #expect(pool.pending == 0)
    }

    @Test func warmingUpRunsEverySessionOnEveryThread() async throws {
        let (wide, single) = (GatedSession(isGated: false), GatedSession())
        let pool = pool(single, wide: wide, wideCount: 1, concurrency: 3)
        async let warm: Void = pool.warmUp(input(1))
        #expect(await single.begins(3))  // at once, since none has ended
        single.open(3)
        try await warm
        #expect(wide.calls == 2 && single.calls == 3)
        // One session with all threads, as commands use it.
        let alone = GatedSession(isGated: false)
        try await self.pool(alone, concurrency: 1).warmUp(input(1))
        #expect(alone.calls == 2)
    }

    @Test func sessionsAreReleasedOnAThreadOfTheirOwn() async throws {
        /// Notes the thread that drops the last reference.
        final class Witness: Sendable {
            let log: @Sendable (String) -> Void
            init(_ log: @escaping @Sendable (String) -> Void) { self.log = log }
            deinit { log(Thread.current.name ?? "") }
        }
        let released = Mutex<[String]>([])
        func make() -> SessionPool {
            let (wide, single) = (
                Witness { name in released.withLock { $0.append(name) } },
                Witness { name in released.withLock { $0.append(name) } }
            )
            return SessionPool(
                model: description, maxConcurrency: 2,
                wide: SessionPool.WideSession(count: 1) { inputs in withExtendedLifetime(wide) { inputs } }
            ) { inputs in withExtendedLifetime(single) { inputs } }
        }
        for i in 0..<50 {
            var pool: SessionPool? = make()
            try await pool?.warmUp(input(i))
            _ = try await pool?.infer(input(i))
            pool = nil
        }
        #expect(await within30Seconds { released.withLock { $0.count } == 100 })
        #expect(released.withLock { Set($0) } == ["release"])
    }
}
