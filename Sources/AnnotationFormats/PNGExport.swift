import ImageCodecs
import Imaging
import InstanceSegmentation

/// Objects as PNG files.
enum PNGExport {
    /// Each pixel has the number of its object, 0 where there is none; the more confident is on top.
    static func instances(_ picture: ExportedImage) throws -> [UInt8] {
        let size = picture.segmentation.imageSize
        var numbers = [UInt16](repeating: 0, count: size.area)
        let objects = picture.objects.prefix(Int(UInt16.max))
        for (index, object) in objects.enumerated().reversed() {
            for y in object.mask.rows {
                for run in object.mask.runs(inRow: y) {
                    for x in Int(run.start)..<Int(run.end) { numbers[y * size.width + x] = UInt16(index + 1) }
                }
            }
        }
        return try PNGFile.gray(numbers, size: size, isWide: objects.count > 255)
    }

    /// The image, transparent where there is no object.
    static func cutout(_ picture: ExportedImage) throws -> [UInt8] {
        guard let image = picture.image else { return [] }
        let all = picture.objects.reduce(Mask.empty(image.size)) { $0.union($1.mask) }
        return try cutout(image, all, x: 0, y: 0, size: image.size)
    }

    /// One object, cut to the box around its pixels.
    static func cutout(_ image: RasterImage, _ mask: Mask) throws -> [UInt8] {
        guard let box = mask.bounds else { return [] }
        let size = ImageSize(width: Int(box.width), height: Int(box.height))
        return try cutout(image, mask, x: Int(box.x1), y: Int(box.y1), size: size)
    }

    private static func cutout(_ image: RasterImage, _ mask: Mask, x left: Int, y top: Int, size: ImageSize) throws
        -> [UInt8]
    {
        var pixels = [UInt8](repeating: 0, count: 4 * size.area)
        for y in 0..<size.height {
            for run in mask.runs(inRow: y + top) {
                for x in max(Int(run.start) - left, 0)..<min(Int(run.end) - left, size.width) {
                    let from = 3 * ((y + top) * image.size.width + x + left), to = 4 * (y * size.width + x)
                    for channel in 0..<3 { pixels[to + channel] = image.pixels[from + channel] }
                    pixels[to + 3] = 255
                }
            }
        }
        return try PNGFile.rgba(pixels, size: size)
    }
}

extension ExportedImage {
    /// Returns one PNG per object, most confident first, transparent outside the object.
    public func cutouts() throws -> [(className: String, file: [UInt8])] {
        guard let image else { return [] }
        return try objects.map { ($0.detection.className, try PNGExport.cutout(image, $0.mask)) }
    }
}
