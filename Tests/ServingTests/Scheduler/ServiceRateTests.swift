import Serving
import Testing

@Suite struct ServiceRateTests {
    @Test func withoutSamplesNothingIsExpected() {
        let rate = ServiceRate()
        #expect(rate.estimatedWait(position: 1000, slots: 1) == .zero && !rate.isReliable)
        #expect(rate.retryAfter(waiting: 1000, slots: 1) == 1 && rate.completionsPerSecond == 0)
    }

    @Test func underFullLoadTheWaitIsTheServiceTimeDividedAmongTheSlots() {
        var rate = ServiceRate()
        for i in 1...20 { rate.record(serviceTime: .seconds(2), end: .milliseconds(500 * i)) }
        #expect(rate.isReliable && abs(rate.completionsPerSecond - 2) < 0.01)
        #expect(rate.estimatedWait(position: 0, slots: 4) == .milliseconds(500))
        #expect(rate.estimatedWait(position: 9, slots: 4) == .seconds(5))
        #expect(rate.retryAfter(waiting: 9, slots: 4) == 5)
        #expect(rate.retryAfter(waiting: 10, slots: 4) == 6, "rounded up")
        #expect(rate.retryAfter(waiting: 10_000, slots: 4) == 60)
    }

    @Test func pausesBetweenRequestsDoNotCount() {
        var rate = ServiceRate()
        for i in 1...20 { rate.record(serviceTime: .milliseconds(100), end: .seconds(60 * i)) }
        #expect(rate.estimatedWait(position: 0, slots: 1) == .milliseconds(100))
    }

    @Test func theAverageFollowsAChange() {
        var rate = ServiceRate()
        for i in 1...50 { rate.record(serviceTime: .milliseconds(10), end: .milliseconds(10 * i)) }
        for i in 1...30 { rate.record(serviceTime: .seconds(1), end: .seconds(i + 1)) }
        let wait = rate.estimatedWait(position: 0, slots: 1)
        #expect(wait > .milliseconds(900) && wait <= .seconds(1))
    }

    @Test func extremesStayFinite() {
        var rate = ServiceRate()
        for value in [Duration.seconds(Int64.max), .zero, .seconds(-5), .seconds(Int64.max)] {
            rate.record(serviceTime: value, end: value)
            #expect((1...60).contains(rate.retryAfter(waiting: .max, slots: 0)))
            #expect(rate.estimatedWait(position: .max, slots: .min) >= .zero)
            #expect(rate.estimatedWait(position: .min, slots: .max) >= .zero)
        }
    }
}
