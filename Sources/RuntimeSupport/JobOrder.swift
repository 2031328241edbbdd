/// The order in which threads take jobs: the others before those in the background, of which some wait for one another.
///
/// Background jobs leave one thread free, if there are several. While both kinds wait, every fourth job is a background
/// job, so that none waits without end.
struct JobOrder<Job> {
    /// The answer to a thread that looks for a job.
    enum Next {
        case job(Job, isBackground: Bool)
        /// Only background jobs wait, and as many run as may run at a time.
        case blocked
        case none
    }

    /// The number of jobs that may be taken in a row while a background job waits.
    private static var maxPassed: Int { 3 }

    /// The number of background jobs that run at a time.
    let maxBackground: Int
    private var jobs = FIFOQueue<Job>()
    private var background = FIFOQueue<Job>()
    private var runningBackground = 0
    /// The number of jobs that were taken since the last background job, while one waited.
    private var passed = 0

    /// - Parameter threadCount: the number of threads, at least 1.
    init(threadCount: Int) { maxBackground = max(threadCount - 1, 1) }

    mutating func append(_ job: Job, isBackground: Bool) {
        if isBackground { background.append(job) } else { jobs.append(job) }
    }

    /// Takes the next job. A background job must be followed by ``endBackground()``.
    mutating func next() -> Next {
        let mayRunBackground = background.count > 0 && runningBackground < maxBackground
        if !mayRunBackground || passed < Self.maxPassed, let job = jobs.popFirst() {
            if mayRunBackground { passed += 1 }
            return .job(job, isBackground: false)
        }
        guard background.count > 0 else { return .none }
        guard mayRunBackground, let job = background.popFirst() else { return .blocked }
        passed = 0
        runningBackground += 1
        return .job(job, isBackground: true)
    }

    /// A background job has ended.
    mutating func endBackground() { runningBackground -= 1 }
}
