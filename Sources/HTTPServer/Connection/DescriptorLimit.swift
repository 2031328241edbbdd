import Foundation

/// The number of files and sockets that the process may have open.
enum DescriptorLimit {
    /// Descriptors that are kept for files, models and outgoing connections.
    static let reserve = 128

    /// Raises the soft limit to the hard one.
    /// - Returns: the limit that is in force, or nil when the system does not tell.
    static func raise() -> Int? {
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
        #else
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return nil }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        if limit.rlim_cur < limit.rlim_max, setrlimit(resource, &raised) == 0 { limit = raised }
        return Int(clamping: limit.rlim_cur)
    }

    /// The number of connections that can be open, out of a wanted number. At most half of the limit is kept back.
    static func connections(wanted: Int, limit: Int?) -> Int {
        guard let limit else { return wanted }
        return max(1, min(wanted, max(limit / 2, limit - reserve)))
    }
}
