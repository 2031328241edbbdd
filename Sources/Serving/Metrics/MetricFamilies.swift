/// The series of all metrics, by name, and the decision which new ones are admitted.
struct MetricFamilies: Sendable {
    /// All series of one name.
    struct Family: Sendable {
        let type: MetricType
        let help: String?
        /// Series by the text of their labels.
        var series: [String: MetricSeries] = [:]
    }

    /// Why a series is refused.
    enum Refusal: Error, Equatable {
        /// The name belongs to another metric, or to a line of another histogram.
        case nameTaken(by: String, type: MetricType)
        /// A limit is reached.
        case full
    }

    /// Families by name.
    private(set) var families: [String: Family] = [:]
    /// Number of series in all.
    private(set) var count = 0
    private let limits: MetricsLimits
    private var textBytes = 0
    /// The family that a name of a sample belongs to: a histogram has three besides its own.
    private var owners: [String: String] = [:]

    init(limits: MetricsLimits) { self.limits = limits }

    /// Returns the series of that name and labels, creating it on first use.
    ///
    /// - Throws: ``Refusal`` if the name belongs to a metric of another type or a limit is reached.
    mutating func series(
        _ key: SeriesKey, type: MetricType, help: String?, make: () -> MetricSeries
    ) throws(Refusal) -> MetricSeries {
        if let family = families[key.name] {
            guard family.type == type else { throw .nameTaken(by: key.name, type: family.type) }
            if let series = family.series[key.labels] {
                guard series.handler != nil else { throw .nameTaken(by: key.name, type: type) }
                return series
            }
        }
        let series = make()
        try insert(series, key, type: type, help: help)
        return series
    }

    /// Adds a value that is read when the page is written. It replaces a series of the same name and labels.
    mutating func insert(
        reading: @escaping @Sendable () -> Double?, _ key: SeriesKey, type: MetricType, help: String?
    ) throws(Refusal) {
        if let family = families[key.name] {
            guard family.type == type else { throw .nameTaken(by: key.name, type: family.type) }
            if family.series[key.labels] != nil {
                families[key.name]?.series[key.labels] = .reading(reading)
                return
            }
        }
        try insert(.reading(reading), key, type: type, help: help)
    }

    private mutating func insert(
        _ series: MetricSeries, _ key: SeriesKey, type: MetricType, help: String?
    ) throws(Refusal) {
        let bytes = Self.textBytes(of: key)
        guard count < limits.maxSeries, families[key.name]?.series.count ?? 0 < limits.maxSeriesPerName,
            textBytes + bytes <= limits.maxTextBytes
        else { throw .full }
        if families[key.name] == nil {
            let names = Self.sampleNames(key.name, type)
            for name in names {
                if let owner = owners[name], let family = families[owner] {
                    throw .nameTaken(by: owner, type: family.type)
                }
            }
            for name in names { owners[name] = key.name }
            families[key.name] = Family(type: type, help: help)
        }
        families[key.name]?.series[key.labels] = series
        count += 1
        textBytes += bytes
    }

    /// Removes the series that `handler` records to. Does nothing if it was removed before, also if another took its place.
    mutating func remove(_ handler: any AnyObject & Sendable, _ key: SeriesKey) {
        guard let family = families[key.name], let series = family.series[key.labels], series.handler === handler
        else { return }
        families[key.name]?.series[key.labels] = nil
        count -= 1
        textBytes -= Self.textBytes(of: key)
        if family.series.count == 1 {
            families[key.name] = nil
            for name in Self.sampleNames(key.name, family.type) { owners[name] = nil }
        }
    }

    private static func textBytes(of key: SeriesKey) -> Int { key.name.utf8.count + key.labels.utf8.count }

    private static func sampleNames(_ name: String, _ type: MetricType) -> [String] {
        type == .histogram ? [name, "\(name)_bucket", "\(name)_sum", "\(name)_count"] : [name]
    }
}
