import InstanceSegmentation

/// The kind of a failure to read a model's header. It tells whether another attempt may succeed while the files are
/// unchanged.
enum HeaderFault {
    /// A transient fault of the file system.
    case passing
    /// A fault of the file or of the file system.
    case uncertain
    /// A fault of the file; another attempt fails in the same way.
    case lasting

    /// Classifies an error in reading a header.
    init(_ error: any Error) {
        switch error {
        // Also what the system said of a file, in words.
        case SegmentationError.invalidConfiguration: self = .uncertain
        case is SegmentationError: self = .lasting
        case let error as any ModelLoadingError: self = error.modelFault == nil ? .uncertain : .lasting
        default: self = .passing
        }
    }

    /// The longest pause before the header is read again; `nil` where only another file or the operator brings that
    /// about.
    var longestPause: Duration? {
        switch self {
        case .passing: .seconds(60)
        case .uncertain: .seconds(3600)
        case .lasting: nil
        }
    }
}
