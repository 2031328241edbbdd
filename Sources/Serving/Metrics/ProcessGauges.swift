import Foundation

extension PrometheusRegistry {
    /// Adds the standard process metrics of Prometheus clients: memory, open files and start time.
    ///
    /// Memory and open files are read from `/proc` on Linux, and are omitted on other systems. The time of the call
    /// counts as the start time.
    public func addProcessGauges() {
        let start = Date().timeIntervalSince1970.rounded(.down)
        gauge("process_start_time_seconds", help: "When the server started.") { start }
        gauge("process_resident_memory_bytes", help: "Resident memory.") { ProcessReading.memoryBytes(field: 1) }
        gauge("process_virtual_memory_bytes", help: "Virtual memory.") { ProcessReading.memoryBytes(field: 0) }
        gauge("process_open_fds", help: "Open file descriptors.") { ProcessReading.openDescriptors() }
        gauge("process_max_fds", help: "Maximum number of open file descriptors.") {
            ProcessReading.maxDescriptors()
        }
        counter("process_cpu_seconds_total", help: "Processor time, of the user and the system.") {
            ProcessReading.processorSeconds()
        }
    }
}

/// What the system says about this process. `nil` where it does not, as when no descriptor is left to ask with.
private enum ProcessReading {
    /// A field of `/proc/self/statm`, which counts pages: 0 is the size, 1 the resident part.
    static func memoryBytes(field: Int) -> Double? {
        guard let bytes = FileManager.default.contents(atPath: "/proc/self/statm") else { return nil }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard fields.indices.contains(field), let pages = Double(fields[field]) else { return nil }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The entries of `/proc/self/fd`, without the one that reads them.
    static func openDescriptors() -> Double? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        // Less `.`, `..` and the directory's own.
        var count = -3
        while readdir(directory) != nil { count += 1 }
        return Double(max(count, 0))
    }

    static func maxDescriptors() -> Double? {
        var limit = rlimit()
        #if os(Linux)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        return getrlimit(resource, &limit) == 0 ? Double(limit.rlim_cur) : nil
    }

    static func processorSeconds() -> Double? {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
