/// A JSON body: the image, and every other value as the text of a parameter.
struct JSONImageBody: Decodable {
    /// What stands in the place of the image.
    enum Image: Decodable {
        case none
        case text(String)
        case typed(TypedImage)
        /// A list that does not have one element.
        case several(Int)

        init(from decoder: any Decoder) throws {
            if var list = try? decoder.unkeyedContainer() {
                let count = list.count ?? 0
                self = count == 1 ? try list.decode(Image.self) : .several(count)
            } else if let text = try? decoder.singleValueContainer().decode(String.self) {
                self = .text(text)
            } else if let typed = try? TypedImage(from: decoder) {
                self = .typed(typed)
            } else {
                self = .none
            }
        }
    }

    let image: Image
    let fields: [(name: String, value: String)]

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if var list = try? decoder.unkeyedContainer() {
            // A list is the image, or has the body.
            if list.count == 1, let body = try? list.decode(JSONImageBody.self) {
                self = body
            } else {
                (image, fields) = (try Image(from: decoder), [])
            }
            return
        }
        guard let container = try? decoder.container(keyedBy: Key.self) else {
            (image, fields) = (try Image(from: decoder), [])
            return
        }
        let imageKey = Key(stringValue: "image")
        var imageKeys: Set = ["image"]
        if container.contains(imageKey) {
            image = try container.decode(Image.self, forKey: imageKey)
        } else if container.contains(Key(stringValue: "type")), container.contains(Key(stringValue: "value")) {
            image = try Image(from: decoder)
            imageKeys = ["type", "value"]
        } else {
            image = .none
        }
        fields = container.allKeys.filter { !imageKeys.contains($0.stringValue) }.compactMap { key in
            if let text = try? container.decode(String.self, forKey: key) { return (key.stringValue, text) }
            if let flag = try? container.decode(Bool.self, forKey: key) { return (key.stringValue, String(flag)) }
            if let number = try? container.decode(Double.self, forKey: key) {
                return (key.stringValue, number.description)
            }
            if let list = try? container.decode([String].self, forKey: key) {
                return (key.stringValue, list.joined(separator: ","))
            }
            return nil
        }
    }
}
