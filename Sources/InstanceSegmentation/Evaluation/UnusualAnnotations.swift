/// Counts of what is unusual in a file of annotations.
struct UnusualAnnotations {
    /// Annotations of images or categories that the file does not list.
    var unlisted = 0
    /// Annotations whose id a later one has too.
    var repeated = 0
    var zeroIDs = 0
    var withoutArea = 0
    var withoutBox = 0
    var withoutMask = 0
    /// Annotations with run lengths for an image of another size.
    var ofOtherSize = 0

    /// A sentence for each kind that there is.
    var notes: [String] {
        var notes: [String] = []
        func add(_ count: Int, _ one: String, _ many: String) {
            if count > 0 { notes.append(count == 1 ? "1 annotation \(one)" : "\(count) annotations \(many)") }
        }
        add(
            unlisted, "belongs to an image or category that is not listed; it is left out.",
            "belong to images or categories that are not listed; they are left out.")
        add(
            repeated, "has the id of a later one, which counts in its place, as in pycocotools.",
            "have the id of a later one, which counts in their place, as in pycocotools.")
        add(
            zeroIDs,
            "has the id 0. A detection that matches it counts as a false alarm, as in pycocotools; count ids from 1.",
            "have the id 0. Detections that match them count as false alarms, as in pycocotools; count ids from 1.")
        add(
            withoutArea, "has no area; that of its mask or box is used.",
            "have no area; those of their masks or boxes are used.")
        add(withoutBox, "has no box; that of its mask is used.", "have no box; those of their masks are used.")
        add(
            withoutMask, "has no segmentation; it counts for boxes only.",
            "have no segmentation; they count for boxes only.")
        add(
            ofOtherSize, "has a mask for another size than its image's; it never matches.",
            "have masks for other sizes than their images'; they never match.")
        return notes
    }
}
