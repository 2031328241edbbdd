import Imaging

/// What in a file of annotations cannot be used, and why.
struct AnnotationFault: Error {
    let subject: String
    let reason: String
}

/// Brings the lists of a file together as pycocotools' `COCO` and `COCOeval` do.
struct AnnotationReader {
    private let images: [JSONValue]
    private let categories: [JSONValue]
    private let annotations: [JSONValue]

    /// - Parameter members: of the object that the file holds.
    init(_ members: [String: JSONValue]) throws(AnnotationFault) {
        func list(_ name: String) throws(AnnotationFault) -> [JSONValue] {
            guard let value = members[name] else { return [] }
            guard let elements = value.elements else {
                throw AnnotationFault(subject: "'\(name)'", reason: "it is not a list")
            }
            return elements
        }
        images = try list("images")
        categories = try list("categories")
        annotations = try list("annotations")
    }

    private struct Entry {
        let id: COCOIdentifier
        let members: [String: JSONValue]
    }

    /// Everything that the lists of a file say.
    func read() throws(AnnotationFault) -> COCOAnnotations {
        let images = try entries(self.images, kind: "Image")
        let categories = try entries(self.categories, kind: "Category")
        let annotations = try entries(self.annotations, kind: "Annotation")
        // Of equal ids the last counts.
        let imageByID = Dictionary(images.map { ($0.id, $0) }) { _, last in last }
        let categoryByID = Dictionary(categories.map { ($0.id, $0) }) { _, last in last }
        let last = Dictionary(annotations.map { ($0.id, $0) }) { _, last in last }
        let imageNumbers = try Self.numbers(of: imageByID.keys, kind: "Image")
        let categoryNumbers = try Self.numbers(of: categoryByID.keys, kind: "Category")

        var listed: [COCOAnnotations.Image] = []
        for (id, entry) in imageByID {
            guard let number = imageNumbers[id] else { continue }
            listed.append(try Self.image(entry, number: number))
        }
        listed.sort { $0.id < $1.id }
        let sizes = Dictionary(listed.map { ($0.identifier, $0.size) }) { _, last in last }

        var objects: [COCOAnnotations.Object] = []
        var counts = UnusualAnnotations()
        var decoder = COCOSegmentation()
        for annotation in annotations {
            func reference(_ entry: Entry, _ name: String) throws(AnnotationFault) -> COCOIdentifier {
                guard let id = COCOIdentifier(entry.members[name]) else {
                    throw AnnotationFault(subject: "Annotation \(entry.id)", reason: "it has no '\(name)'")
                }
                return id
            }
            let image = try reference(annotation, "image_id"), category = try reference(annotation, "category_id")
            guard imageNumbers[image] != nil, categoryNumbers[category] != nil else {
                counts.unlisted += 1
                continue
            }
            guard let used = last[annotation.id] else { continue }
            let owner = try reference(used, "image_id")
            guard let imageID = imageNumbers[owner],
                let categoryID = categoryNumbers[try reference(used, "category_id")]
            else {
                throw AnnotationFault(
                    subject: "Annotation \(used.id)",
                    reason: "it stands twice in the file, once for an image or category that is not listed")
            }
            do throws(COCOSegmentation.Fault) {
                objects.append(
                    try Self.object(
                        used, imageID: imageID, categoryID: categoryID, size: sizes[owner] ?? nil, by: &decoder,
                        &counts))
            } catch {
                throw AnnotationFault(subject: "Annotation \(used.id)", reason: error.reason)
            }
        }
        counts.repeated = annotations.count - last.count
        return COCOAnnotations(
            images: listed, objects: objects,
            categories: Dictionary(
                categoryByID.compactMap { id, entry in
                    categoryNumbers[id].map { ($0, Self.name(entry.members["name"])) }
                }
            ) { first, _ in first },
            categoryIdentifiers: Dictionary(categoryNumbers.map { ($0.value, $0.key) }) { first, _ in first },
            notes: counts.notes)
    }

    private func entries(_ list: [JSONValue], kind: String) throws(AnnotationFault) -> [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(list.count)
        for (index, value) in list.enumerated() {
            let subject = "\(kind) number \(index + 1)"
            guard case .object(let members) = value else {
                throw AnnotationFault(subject: subject, reason: "it is not an object")
            }
            guard let id = COCOIdentifier(members["id"]) else {
                throw AnnotationFault(subject: subject, reason: "it has no id; expected a number or a text")
            }
            entries.append(Entry(id: id, members: members))
        }
        return entries
    }

    /// A whole number for each id, in the order of the ids: the id itself where all are whole numbers.
    private static func numbers(
        of ids: some Collection<COCOIdentifier>, kind: String
    ) throws(AnnotationFault) -> [COCOIdentifier: Int] {
        let kinds = Set(
            ids.map { id in
                switch id {
                case .integer, .number: 0
                case .text: 1
                case .null: 2
                }
            })
        guard kinds.count <= 1 else {
            throw AnnotationFault(
                subject: "\(kind) ids", reason: "some are numbers and some are texts or null, which have no order")
        }
        let sorted = ids.sorted()
        var numbers: [COCOIdentifier: Int] = [:]
        let areWhole = sorted.allSatisfy { if case .integer = $0 { true } else { false } }
        for (index, id) in sorted.enumerated() {
            if areWhole, case .integer(let value) = id { numbers[id] = value } else { numbers[id] = index + 1 }
        }
        return numbers
    }

    private static func image(_ entry: Entry, number: Int) throws(AnnotationFault) -> COCOAnnotations.Image {
        guard case .text(let fileName) = entry.members["file_name"], !fileName.isEmpty else {
            throw AnnotationFault(subject: "Image \(entry.id)", reason: "it has no 'file_name'")
        }
        // Only polygons need the size; pycocotools does not look at it for others.
        var size: ImageSize?
        let sides = COCOSegmentation.sides
        if let width = entry.members["width"]?.wholeNumber, let height = entry.members["height"]?.wholeNumber,
            sides.contains(width), sides.contains(height)
        {
            size = ImageSize(width: width, height: height)
        }
        return COCOAnnotations.Image(id: number, identifier: entry.id, fileName: fileName, size: size)
    }

    private static func name(_ value: JSONValue?) -> String {
        switch value {
        case .text(let text): text
        case .integer(let number): String(number)
        default: ""
        }
    }

    private static func object(
        _ entry: Entry, imageID: Int, categoryID: Int, size: ImageSize?, by decoder: inout COCOSegmentation,
        _ counts: inout UnusualAnnotations
    ) throws(COCOSegmentation.Fault) -> COCOAnnotations.Object {
        let mask = try decoder.mask(entry.members["segmentation"], size: size)
        if mask == nil { counts.withoutMask += 1 }
        if let mask, let size, mask.imageSize != size { counts.ofOtherSize += 1 }

        var sides: [Double]
        switch entry.members["bbox"] {
        case nil, .null:
            guard let mask else { throw .init(reason: "it has neither a box nor a segmentation") }
            counts.withoutBox += 1
            sides = mask.bounds.map { [$0.x1, $0.y1, $0.width, $0.height] } ?? [0, 0, 0, 0]
        case .some(let value):
            guard let numbers = value.numericValues, numbers.count == 4, numbers.allSatisfy(\.isFinite) else {
                throw .init(reason: "its box is not a list of four numbers, [x, y, width, height]")
            }
            sides = numbers
        }
        let boxArea = sides[2] * sides[3]

        let area: Double
        switch entry.members["area"] {
        case nil, .null:
            counts.withoutArea += 1
            area = mask.map { Double($0.area) } ?? boxArea
        case .some(let value):
            guard let number = value.plainNumber else { throw .init(reason: "its area is not a number") }
            area = number
        }

        var (isIgnored, isCrowd) = (false, false)
        switch entry.members["iscrowd"] {
        case nil, .null: break
        case .some(let value):
            // NumPy keeps it in a byte.
            let isText = if case .text = value { true } else { false }
            guard let number = value.numericValue, number > -1, number < 256, !isText || Int(exactly: number) != nil
            else {
                throw .init(reason: "its 'iscrowd' is not a number from 0 to 255")
            }
            (isIgnored, isCrowd) = (value.isTrue, Int(number) != 0)
        }
        let hasZeroID = entry.id == .integer(0)
        if hasZeroID { counts.zeroIDs += 1 }
        return COCOAnnotations.Object(
            imageID: imageID, categoryID: categoryID,
            box: BoundingBox(x1: sides[0], y1: sides[1], x2: sides[0] + sides[2], y2: sides[1] + sides[3]),
            boxArea: boxArea, area: area, isCrowd: isCrowd, isIgnored: isIgnored, hasZeroID: hasZeroID, mask: mask)
    }
}
