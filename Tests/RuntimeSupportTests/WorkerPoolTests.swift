import Dispatch
import Foundation
import Synchronization
import Testing

@testable import RuntimeSupport

private func threadName() -> String? { Thread.current.name }

@Suite(.timeLimit(.minutes(2))) struct WorkerPoolTests {
    /// Counts those that came, and lets all go when they are as many as expected.
    private final class Meeting: Sendable {
        private let arrived = Mutex(0)
        private let gate = DispatchSemaphore(value: 0)
        let expected: Int

        init(expected: Int) { self.expected = expected }

        /// Blocks until all have come; whether they did.
        func wait() -> Bool {
            let isLast = arrived.withLock { count in
                count += 1
                return count == expected
            }
            if isLast { for _ in 0..<expected { gate.signal() } }
            return gate.wait(timeout: .now() + 30) == .success
        }
    }

    private static var cooperativeThreadCount: Int { ProcessInfo.processInfo.activeProcessorCount }

    @concurrent private func meet(_ meeting: Meeting) async -> Bool { meeting.wait() }

    @concurrent private func answer() async -> Int { 42 }

    @concurrent private func hold(_ gate: DispatchSemaphore) async { gate.wait() }

    @Test func asManyJobsRunAtOnceAsThereAreThreads() async {
        let pool = WorkerPool(threadCount: 5)
        let meeting = Meeting(expected: 5)
        let haveMet = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 { group.addTask(executorPreference: pool) { await self.meet(meeting) } }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(haveMet)
        #expect(WorkerPool().threadCount == ProcessInfo.processInfo.activeProcessorCount)
        #expect(WorkerPool(threadCount: -1).threadCount == 1)
    }

    /// Two threads: one background job blocks, others wait behind it, and yet other jobs run.
    @Test func otherJobsDoNotWaitForThoseInTheBackground() async {
        let pool = WorkerPool(threadCount: 2)
        let gate = DispatchSemaphore(value: 0)
        let background = (0..<20).map { _ in
            Task { await withTaskExecutorPreference(pool.background) { await self.hold(gate) } }
        }
        for _ in 0..<10 {
            let answer = await withTaskExecutorPreference(pool) { await self.answer() }
            #expect(answer == 42)
        }
        for _ in background { gate.signal() }
        for task in background { await task.value }
        // All threads are there again.
        let meeting = Meeting(expected: 2)
        let haveMet = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<2 { group.addTask(executorPreference: pool) { await self.meet(meeting) } }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(haveMet)
    }

    @Test func aPoolOfOneThreadRunsBothKinds() async {
        let pool = WorkerPool(threadCount: 1)
        await withTaskGroup(of: Int.self) { group in
            for index in 0..<50 {
                let executor: any TaskExecutor = index.isMultiple(of: 2) ? pool : pool.background
                group.addTask(executorPreference: executor) { await self.answer() }
            }
            #expect(await group.reduce(0, +) == 50 * 42)
        }
    }

    @Test func theCooperativePoolStaysFreeWhileJobsBlock() async {
        let count = 2 * Self.cooperativeThreadCount + 2
        let pool = WorkerPool(threadCount: count)
        let gate = DispatchSemaphore(value: 0)
        let blocked = (0..<count).map { _ in
            Task { await withTaskExecutorPreference(pool) { await self.hold(gate) } }
        }
        // More jobs block than there are cooperative threads, and yet tasks run there.
        let answer = await Task.detached { 42 }.value
        #expect(answer == 42)
        for _ in 0..<count { gate.signal() }
        for task in blocked { await task.value }
    }

    @Test func tasksResumeOnThePool() async {
        let pool = WorkerPool(name: "pixels", threadCount: 2)
        @concurrent func names() async -> [String?] {
            var names = [threadName()]
            await Task.yield()
            names.append(threadName())
            try? await Task.sleep(for: .milliseconds(1))
            names.append(threadName())
            await withTaskGroup(of: String?.self) { group in
                for _ in 0..<4 { group.addTask { threadName() } }
                for await child in group { names.append(child) }
            }
            names.append(threadName())
            return names
        }
        let found = await withTaskExecutorPreference(pool) { await names() }
        #expect(found.count == 8 && found.allSatisfy { $0 == "pixels" })
    }

    @Test func jobsStartInTheirOrder() async {
        let pool = WorkerPool(threadCount: 1)
        let order = Log()
        let gate = DispatchSemaphore(value: 0)
        let first = Task(executorPreference: pool) { await hold(gate) }
        let tasks = (0..<1000).map { i in Task(executorPreference: pool) { order.add(i) } }
        gate.signal()
        await first.value
        for task in tasks { await task.value }
        #expect(order.entries == Array(0..<1000))
    }

    @Test func aHundredThousandJobsPass() async {
        let pool = WorkerPool(threadCount: 4)
        let sum = await withTaskGroup(of: Int.self) { group in
            for i in 0..<100_000 { group.addTask(executorPreference: pool) { i } }
            return await group.reduce(0, +)
        }
        #expect(sum == 100_000 * 99_999 / 2)
    }

    @Test func threadsEndWithThePoolAndNotBeforeItsJobs() async {
        #if os(Linux)
            let name = "ends-\(UInt16.random(in: 0...9999))"
            func threads() -> Int {
                let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
                return tasks.count { task in
                    (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)) == name + "\n"
                }
            }
            func ends(_ count: Int) async -> Bool {
                for _ in 0..<3000 where threads() != count { try? await Task.sleep(for: .milliseconds(10)) }
                return threads() == count
            }
            let gate = DispatchSemaphore(value: 0)
            func start() async -> Task<Int, Never> {
                let pool = WorkerPool(name: name, threadCount: 3)
                #expect(await ends(3))
                return Task(executorPreference: pool) {
                    await hold(gate)
                    return 7
                }
            }
            let task = await start()
            gate.signal()
            #expect(await task.value == 7)
            #expect(await ends(0))
        #endif
    }

    @Test func aFunctionThatBlocksHasAThreadOfItsOwn() async {
        let count = 2 * Self.cooperativeThreadCount + 2
        let meeting = Meeting(expected: count)
        let names = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<count {
                group.addTask {
                    await onThread(named: "load") { meeting.wait() ? threadName() : nil }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(names == Array(repeating: "load", count: count))
        struct Failure: Error {}
        await #expect(throws: Failure.self) { try await onThread(named: "load") { throw Failure() } }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ThreadExecutorTests {
    private actor Counter {
        private let executor = ThreadExecutor(name: "counter")
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        private(set) var value = 0

        func add() -> String? {
            value += 1
            return threadName()
        }
    }

    @Test func anActorRunsOnItsThread() async {
        let counter = Counter()
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<1000 { group.addTask { await counter.add() } }
            for await name in group { #expect(name == "counter") }
        }
        #expect(await counter.value == 1000)
    }

    /// The executor lives until its last job has run, even if that job releases its actor.
    @Test func actorsComeAndGoWhileTheirJobsRun() async {
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<200 { group.addTask { await Counter().add() } }
            for await name in group { #expect(name == "counter") }
        }
    }

    @Test func theExecutorKnowsItsThread() async {
        let jobs = ThreadJobs(threadName: "known")
        defer { jobs.close() }
        #expect(!jobs.isOnThread)
        let isOnThread = await withCheckedContinuation { answer in
            jobs.append { answer.resume(returning: jobs.isOnThread) }
        }
        #expect(isOnThread)
    }

    @Test func otherThreadsAreNotTheExecutors() async {
        await #expect(processExitsWith: .failure) { ThreadExecutor(name: "own").checkIsolated() }
    }
}
