/// Makes files readable whose lists of references libheif before 1.19 refuses.
///
/// Since iOS 18 phones write an auxiliary image, such as a gain map, that belongs to two images: the photograph and its tone-mapped
/// twin. Older versions of libheif, such as that of Debian 12, take a second target for damage. Neither auxiliary images nor
/// thumbnails are shown, so that such a reference can be renamed to a kind that every version skips.
enum HEIFReferences {
    /// Calls a function with the file, or with a copy without the references that older versions refuse.
    static func withReadable<Result>(
        _ bytes: UnsafeRawBufferPointer, _ items: HEIFItems,
        _ body: (UnsafeRawBufferPointer) throws(ImageCodecError) -> Result
    ) throws(ImageCodecError) -> Result {
        let renamed = items.sharedReferences
        guard !renamed.isEmpty else { return try body(bytes) }
        var copy = [UInt8](bytes)
        for offset in renamed { copy.replaceSubrange(offset..<offset + 4, with: Self.skippedKind) }
        let outcome = copy.withUnsafeBytes { copy -> Swift.Result<Result, ImageCodecError> in
            do throws(ImageCodecError) { return .success(try body(copy)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private static let skippedKind = Array("free".utf8)
}
