/// Limits on what a model file, its metadata and the files next to it may declare.
///
/// Model folders are filled from downloads, and the sizes of arrays and loops follow from their files. A value outside
/// the limits is rejected when it is read, with the value found and the values accepted. Other models are not affected.
package enum ModelLimits {
    /// Longest dimension of a network's input, which is usually a side of the image, in pixels.
    package static let inputSide = 8192
    /// Largest network input in elements: three channels of 4096 x 4096 pixels, 192 MiB of 32-bit floats.
    package static let inputElements = 3 * 4096 * 4096
    /// Longest dimension of an output.
    package static let outputDimension = 1 << 27
    /// Largest output in elements: 2 GiB of 32-bit floats.
    package static let outputElements = 1 << 29
    /// Longest side of a mask, or of a grid of prototypes, in cells.
    package static let maskSide = 8192
    /// Most dimensions of an input or output.
    package static let rank = 16
    /// Most inputs, and most outputs, of a model.
    package static let tensors = 256
    /// Most operations, and most constants, of a graph. Mask2Former with a Swin backbone has some 10,000; a runtime takes a time that
    /// grows faster than their number.
    package static let graphEntries = 1 << 15
    /// Largest model file in bytes. Protobuf has no larger messages; weights beyond that are in files of their own.
    package static let modelFileSize = 1 << 31
    /// Most fields of a model file that are looked at: each of `graphEntries` operations and constants may have 64.
    package static let fields = 1 << 22
    /// Most bytes of names and metadata of a model file that are kept. Names of a large network have some 2 MB.
    package static let textBytes = 32 << 20
    /// Most bytes of a model file that are read for its structure: `graphEntries` operations, and as many constants, whose weights lie
    /// between them, take half of it.
    package static let structureBytes = 1 << 29
    /// Most entries of a file's metadata.
    package static let metadataEntries = 4096
    /// Longest entry of the metadata that is parsed, in bytes of UTF-8.
    package static let metadataLength = 4 << 20
    /// Deepest nesting of lists and dictionaries in the metadata.
    package static let nesting = 32
    /// Most class slots. Open Images has 601 classes, LVIS 1,203, ImageNet-21k 21,841.
    package static let slots = 65_536
    /// Longest name of a class, in bytes of UTF-8.
    package static let nameLength = 1024
    /// Largest file next to a model that is read, such as `class_names.txt`, in bytes.
    package static let fileSize = 4 << 20
    /// Longest text in such a file of JSON, in bytes: comparing texts takes time that may grow with the square of their length.
    package static let textLength = 64 << 10
    /// Largest number that the sides of an input are multiples of.
    package static let divisor = 1024
    /// Accepted scales, and standard deviations without their sign: a byte becomes `(byte / scale - mean) / std`.
    package static let scale: ClosedRange<Float> = 1e-6...1e6
    /// Accepted means.
    package static let mean: ClosedRange<Float> = -1e6...1e6
}

extension String {
    /// Returns the beginning of a text of any length on one line, for messages that quote a file.
    package func excerpt(_ length: Int = 80) -> String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            guard result.count < length else { return String(result) + "…" }
            result.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(result)
    }
}
