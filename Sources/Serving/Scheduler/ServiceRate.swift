/// Estimates how long requests will wait, from exponentially weighted moving averages of how long finished requests held a slot
/// and how far apart they finished. Time is passed in, in any scale that only grows.
package struct ServiceRate: Sendable {
    /// The number of requests recorded, counted to ``minimumSamples`` and no further.
    private var samples = 0
    /// The average time that a request holds a slot, in seconds.
    private var serviceTime = 0.0
    /// The average time between the ends of two requests, in seconds.
    private var interval = 0.0
    private var lastEnd: Duration?

    /// The number of requests after which the estimate is good enough to refuse a request by.
    package static var minimumSamples: Int { 8 }
    private static var longestTime: Double { 86_400 }

    /// Creates an estimate without samples.
    package init() {}

    /// Whether ``minimumSamples`` requests have been recorded.
    package var isReliable: Bool { samples >= Self.minimumSamples }

    /// The average number of requests that finish in a second, or 0 before two have finished.
    package var completionsPerSecond: Double { interval > 0 ? 1 / interval : 0 }

    /// Records a finished request.
    /// - Parameters:
    ///   - serviceTime: how long it held its slot.
    ///   - end: when it finished.
    package mutating func record(serviceTime: Duration, end: Duration) {
        samples = min(samples + 1, Self.minimumSamples)
        // A plain average of the first samples, whose weight otherwise would depend on which came first.
        let weight = 1 / Double(samples)
        self.serviceTime += (Self.seconds(serviceTime) - self.serviceTime) * weight
        if let lastEnd {
            let gap = Self.seconds(end - lastEnd)
            interval = interval == 0 ? gap : interval + (gap - interval) * weight
        }
        lastEnd = end
    }

    /// Returns the expected wait of a request while every slot is taken; zero until a request has finished.
    ///
    /// The estimate is the smaller of two measures. The service time divided by the number of slots is too short if
    /// requests slow one another down. The observed interval between ends is too long under light load. Both agree
    /// under full load.
    /// - Parameters:
    ///   - position: the number of requests that run before it; 0 for the first in the queue.
    ///   - slots: the number of requests that run at once.
    package func estimatedWait(position: Int, slots: Int) -> Duration {
        let shared = serviceTime / Double(max(1, slots))
        let turn = interval > 0 ? min(shared, interval) : shared
        return .seconds(min(Self.longestTime, turn * (Double(max(0, position)) + 1)))
    }

    /// The time after which a refused client should try again, in whole seconds from 1 to 60.
    package func retryAfter(waiting: Int, slots: Int) -> Int {
        let wait = Self.seconds(estimatedWait(position: waiting, slots: slots))
        return Int(min(60, max(1, wait.rounded(.up))))
    }

    private static func seconds(_ duration: Duration) -> Double {
        min(longestTime, max(0, duration / .seconds(1)))
    }
}
