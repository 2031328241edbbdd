extension COCOAnnotations {
    /// The annotations without some images and their objects, such as those whose files cannot be read.
    public func withoutPictures(_ ids: Set<Int>) -> COCOAnnotations {
        COCOAnnotations(
            pictures: pictures.filter { !ids.contains($0.id) },
            objects: objects.filter { !ids.contains($0.pictureID) },
            categories: categories, categoryIdentifiers: categoryIdentifiers, notes: notes)
    }
}
