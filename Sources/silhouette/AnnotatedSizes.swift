import Imaging
import InstanceSegmentation

/// Counts the images whose size is not the one that their annotations are for, as after a rotation that the annotations do not know.
struct AnnotatedSizes {
    private var total = 0
    private var different = 0
    private var turned = 0
    private var example: String?

    /// - Parameter actual: the size of the upright image.
    mutating func add(_ picture: COCOAnnotations.Picture, actual: ImageSize) {
        total += 1
        guard let stated = picture.size, stated != actual else { return }
        different += 1
        if stated.transposed == actual { turned += 1 }
        if example == nil { example = "'\(picture.fileName)' is \(actual), its annotations are for \(stated)" }
    }

    /// What a user has to know about them; `nil` if every size is right.
    var warning: String? {
        guard let example else { return nil }
        let hint =
            turned > 0
            ? " In \(turned) of them width and height are exchanged: their annotations ignore the orientation in the files' EXIF data."
            : ""
        return
            "\(different) of \(total) images have another size than their annotations are for: masks of these never match, and "
            + "boxes are compared as they are. The first: \(example).\(hint)"
    }
}
