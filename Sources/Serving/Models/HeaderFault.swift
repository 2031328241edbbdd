import InstanceSegmentation

/// What reading a header again may bring that could not be read, while the model's files stay the same.
enum HeaderFault {
    /// The file system is at fault, which passes.
    case passing
    /// The file or the file system is at fault.
    case uncertain
    /// The file is at fault, so that reading it again brings the same.
    case lasting

    /// Sorts an error of reading a header.
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
