extension COCOAnnotations {
    /// The annotations without some images and their objects, such as those whose files cannot be read.
    public func withoutImages(_ ids: Set<Int>) -> COCOAnnotations {
        COCOAnnotations(
            images: images.filter { !ids.contains($0.id) },
            objects: objects.filter { !ids.contains($0.imageID) },
            categories: categories, categoryIdentifiers: categoryIdentifiers, notes: notes)
    }
}
