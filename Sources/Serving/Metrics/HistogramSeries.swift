import CoreMetrics
import Synchronization

/// How many observations were at most how large.
final class HistogramSeries: RecorderHandler, TimerHandler, Sendable {
    /// What a histogram held at one moment.
    struct Snapshot {
        /// Number of observations at most as large as each bound.
        let cumulative: [UInt64]
        /// Number of all observations, also those beyond the last bound.
        let count: UInt64
        /// Sum of the observations, in seconds for timers.
        let sum: Double
    }

    /// An atomic number that an array can hold.
    private final class Cell: Sendable {
        let count = Atomic<UInt64>(0)
    }

    /// Name and labels, for removing it.
    let key: SeriesKey
    /// Upper bounds of the buckets, in ascending order, without the infinite one.
    let bounds: [Double]
    /// The bounds as the page writes them, such as `1.0`.
    let boundTexts: [String]
    private let cells: [Cell]
    private let sum = Atomic<Double>(0)

    init(_ key: SeriesKey, bounds: [Double]) {
        self.key = key
        self.bounds = bounds
        boundTexts = bounds.map { "\($0)" }
        cells = (0...bounds.count).map { _ in Cell() }
    }

    /// The number of observations is the sum of the buckets, so that a page never contradicts itself while others record.
    /// The sum may lack an observation that is being recorded at the moment.
    var snapshot: Snapshot {
        var total: UInt64 = 0
        let cumulative = cells.map { cell in
            total &+= cell.count.load(ordering: .relaxed)
            return total
        }
        return Snapshot(cumulative: cumulative.dropLast(), count: total, sum: sum.load(ordering: .relaxed))
    }

    /// Counts an observation.
    func record(_ value: Int64) { record(Double(value)) }

    /// Counts an observation. NaN and infinity are ignored: the sum would stay useless from then on.
    func record(_ value: Double) {
        guard value.isFinite else { return }
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        cells[bucket].count.wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    /// Counts a duration in seconds. A negative one counts as zero.
    func recordNanoseconds(_ duration: Int64) { record(Double(max(duration, 0)) / 1e9) }
}
