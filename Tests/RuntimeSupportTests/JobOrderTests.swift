import Testing

@testable import RuntimeSupport

@Suite struct JobOrderTests {
    /// The jobs that are taken one after the other; a background job ends at once. `nil` stands for a thread that found nothing to run.
    private func taken(_ order: inout JobOrder<Int>, _ count: Int) -> [Int?] {
        (0..<count).map { _ in
            guard case .job(let job, let isBackground) = order.next() else { return nil }
            if isBackground { order.endBackground() }
            return job
        }
    }

    @Test func jobsOfAKindStartInTheOrderTheyCame() {
        var order = JobOrder<Int>(threadCount: 2)
        for job in 1...3 { order.append(job, isBackground: false) }
        #expect(taken(&order, 4) == [1, 2, 3, nil])
        for job in 1...3 { order.append(job, isBackground: true) }
        #expect(taken(&order, 4) == [1, 2, 3, nil])
    }

    @Test func atMostThreeJobsGoBeforeABackgroundJobThatWaits() {
        var order = JobOrder<Int>(threadCount: 4)
        order.append(-1, isBackground: true)
        order.append(-2, isBackground: true)
        for job in 1...9 { order.append(job, isBackground: false) }
        #expect(taken(&order, 11) == [1, 2, 3, -1, 4, 5, 6, -2, 7, 8, 9])
    }

    @Test(arguments: [(1, 1), (2, 1), (8, 7)]) func backgroundJobsLeaveAThreadFree(threads: Int, most: Int) {
        var order = JobOrder<Int>(threadCount: threads)
        for job in 0..<20 { order.append(job, isBackground: true) }
        for job in 0..<most {
            guard case .job(job, true) = order.next() else {
                Issue.record("job \(job) does not run")
                return
            }
        }
        guard case .blocked = order.next() else {
            Issue.record("more run than may")
            return
        }
        order.append(100, isBackground: false)
        guard case .job(100, false) = order.next() else {
            Issue.record("the other job waits")
            return
        }
        order.endBackground()
        guard case .job(most, true) = order.next() else {
            Issue.record("the next does not run")
            return
        }
    }
}
