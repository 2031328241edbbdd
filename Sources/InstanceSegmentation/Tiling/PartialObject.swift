import Imaging

/// An object as one part of an image shows it.
struct PartialObject: Sendable {
    /// In pixels of the whole image.
    let detection: Detection
    /// Number of the part that it was found in.
    let part: Int
    /// The smallest region around the mask's pixels.
    let region: ImageRegion
    /// Number of the mask's pixels.
    let area: Int

    /// Creates an object; `nil` if its mask is empty.
    init?(_ detection: Detection, part: Int) {
        guard let region = detection.mask.region else { return nil }
        self.detection = detection
        self.part = part
        self.region = region
        area = detection.mask.area
    }

    /// Rows and runs of the mask.
    var maskElements: Int { detection.mask.elements }

    /// Whether the masks of two objects have an intersection over union above 0.5 in a region.
    ///
    /// Bounds of areas are compared before runs are looked at. With areas A and B and the intersection I, the question is
    /// whether 3 I > A + B; since I is at most A and B, neither may be twice the other or more.
    ///
    /// - Parameter work: increased by the number of rows and runs that were looked at.
    func agrees(with other: PartialObject, in shared: ImageRegion, work: inout Int) -> Bool {
        guard let mine = region.intersection(shared), let theirs = other.region.intersection(shared),
            let both = mine.intersection(theirs)
        else { return false }
        let (mostMine, mostTheirs) = (min(area, mine.size.area), min(other.area, theirs.size.area))
        guard 3 * min(mostMine, mostTheirs, both.size.area) > leastArea(mine) + other.leastArea(theirs)
        else { return false }
        let myArea = mine == region ? area : detection.mask.area(in: mine, limit: 2 * mostTheirs, work: &work)
        guard myArea < 2 * mostTheirs else { return false }
        let theirArea =
            theirs == other.region ? other.area : other.detection.mask.area(in: theirs, limit: 2 * myArea, work: &work)
        guard 3 * min(myArea, theirArea, both.size.area) > myArea + theirArea else { return false }
        let common = detection.mask.intersectionArea(with: other.detection.mask, in: both, work: &work)
        return 3 * common > myArea + theirArea
    }

    /// The least number of pixels in a part of the region around the mask.
    private func leastArea(_ part: ImageRegion) -> Int { max(area - (region.size.area - part.size.area), 0) }
}

/// Detections that are one object.
struct ObjectGroup {
    /// Numbers of the objects, most confident first.
    let members: [Int]
    let classID: Int
    /// Numbers of the parts in which the object was found.
    let parts: Set<Int>
    /// The smallest box around the boxes of all members.
    let box: BoundingBox

    /// Creates a group from the numbers of its members, at least one, in a list of all objects.
    init(_ members: [Int], _ objects: [PartialObject]) {
        self.members = members
        let first = objects[members[0]].detection
        classID = first.classID
        parts = Set(members.lazy.map { objects[$0].part })
        box = members.reduce(first.box) { $0.union(objects[$1].detection.box) }
    }
}

extension Detection {
    /// The detection in a part of an image as one of the image.
    func placed(in size: ImageSize, _ part: ImageRegion) -> Detection {
        var result = self
        let (x, y) = (Double(part.x), Double(part.y))
        result.box = BoundingBox(x1: box.x1 + x, y1: box.y1 + y, x2: box.x2 + x, y2: box.y2 + y)
        result.mask = mask.resized(to: part.size).placed(in: size, x: part.x, y: part.y)
        return result
    }
}

extension Mask {
    /// Rows and runs, in sum.
    var elements: Int { rows.count + runs.count }
}
