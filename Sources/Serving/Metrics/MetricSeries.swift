import CoreMetrics
import Synchronization

/// The name and labels that identify a series, as they are on the page.
struct SeriesKey: Hashable, Sendable {
    /// Sanitized name of the metric.
    let name: String
    /// Text between the braces of a sample; empty without labels.
    let labels: String
}

/// The type that a metric has on the page.
enum MetricType: String, Sendable {
    case counter, gauge, histogram
}

/// The place where the values of one series are kept.
enum MetricSeries: Sendable {
    case counter(CounterSeries)
    case gauge(GaugeSeries)
    case histogram(HistogramSeries)
    /// A value that is read when the page is written.
    case reading(@Sendable () -> Double?)

    /// The object that a library records to; `nil` for a reading.
    var handler: (any AnyObject & Sendable)? {
        switch self {
        case .counter(let series): series
        case .gauge(let series): series
        case .histogram(let series): series
        case .reading: nil
        }
    }
}

/// A count that only grows, until it is reset.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler, Sendable {
    /// Name and labels, for removing it.
    let key: SeriesKey
    private let whole = Atomic<UInt64>(0)
    private let fractional = Atomic<Double>(0)

    init(_ key: SeriesKey) { self.key = key }

    /// The count as text: exact while only integers were added.
    var text: String {
        let whole = whole.load(ordering: .relaxed)
        let fractional = fractional.load(ordering: .relaxed)
        return fractional == 0 ? "\(whole)" : PrometheusText.number(Double(whole) + fractional)
    }

    /// Adds a number. A counter cannot fall: negative numbers are ignored.
    func increment(by amount: Int64) {
        if amount > 0 { whole.wrappingAdd(UInt64(amount), ordering: .relaxed) }
    }

    /// Adds a number. Negative numbers are ignored, as are NaN and infinity, which no later addition could cure.
    func increment(by amount: Double) {
        if amount > 0, amount.isFinite { fractional.add(amount) }
    }

    /// Sets the count to zero.
    func reset() {
        whole.store(0, ordering: .relaxed)
        fractional.store(0, ordering: .relaxed)
    }
}

/// A value that rises and falls.
final class GaugeSeries: RecorderHandler, MeterHandler, Sendable {
    /// Name and labels, for removing it.
    let key: SeriesKey
    private let current = Atomic<Double>(0)

    init(_ key: SeriesKey) { self.key = key }

    /// The value that was set last, with what was added since.
    var value: Double { current.load(ordering: .relaxed) }

    /// Replaces the value.
    func record(_ value: Int64) { set(Double(value)) }
    /// Replaces the value, also by NaN or infinity.
    func record(_ value: Double) { set(value) }
    /// Replaces the value.
    func set(_ value: Int64) { set(Double(value)) }
    /// Replaces the value, also by NaN or infinity.
    func set(_ value: Double) { current.store(value, ordering: .relaxed) }

    /// Adds a number; NaN and infinity are ignored.
    func increment(by amount: Double) {
        if amount.isFinite { current.add(amount) }
    }

    /// Subtracts a number; NaN and infinity are ignored.
    func decrement(by amount: Double) { increment(by: -amount) }
}

extension Atomic where Value == Double {
    /// Adds a number without a lock.
    func add(_ amount: Double) {
        var old = load(ordering: .relaxed)
        while true {
            let (exchanged, original) = weakCompareExchange(expected: old, desired: old + amount, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}
