extension COCOAnnotations {
    /// Returns the annotations without some images and their objects, such as images whose files are unreadable.
    public func withoutImages(_ ids: Set<Int>) -> COCOAnnotations {
        COCOAnnotations(
            images: images.filter { !ids.contains($0.id) },
            objects: objects.filter { !ids.contains($0.imageID) },
            categories: categories, categoryIdentifiers: categoryIdentifiers, notes: notes)
    }
}
