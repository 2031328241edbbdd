import Foundation
import Imaging

extension ModelSettings {
    /// The `preprocessor_config.json` of a checkpoint of transformers, in its older spellings as well: `size` as a whole number,
    /// `max_size`, `size_divisibility`.
    ///
    /// Source: transformers 4.25 and 5.23, `image_processing_maskformer.py`, `image_processing_eomt.py` and `get_size_dict`.
    init(preprocessorConfig config: [String: Any], file: String) throws {
        self.init()
        let type = (config["image_processor_type"] ?? config["feature_extractor_type"]) as? String ?? ""
        family = Self.family(ofTransformers: type.lowercased())
        let isMaskFormer = family == .mask2former || family == .maskformer
        try Self.requireSupported(config, file)
        sideRounding = .transformers
        (mean, std) = (
            try Self.triple(config["image_mean"], "image_mean", file),
            try Self.triple(config["image_std"], "image_std", file)
        )
        if try Self.flag(config, "do_normalize", file) == false { (mean, std) = ([0, 0, 0], [1, 1, 1]) }
        if let factor = try Self.number(config, "rescale_factor", file) {
            guard factor > 0 else { throw Self.unknown(factor, "rescale_factor", file, expected: "a positive number") }
            let (exact, whole) = (1 / factor, (1 / factor).rounded())
            scale = Float(whole > 0 ? whole : exact)
        }
        if try Self.flag(config, "do_rescale", file) == false { scale = 1 }
        let keys = ["size_divisor", "size_divisibility"].filter { Self.value(config, $0) != nil }
        if let key = keys.first {
            // 0 asks for none.
            guard let found = try Self.integer(config, key, in: 0...ModelLimits.divisor, file) else {
                throw Self.unknown(config[key], key, file, expected: "a whole number")
            }
            divisor = max(found, 1)
        } else if isMaskFormer {
            divisor = 32
        }
        if isMaskFormer { stretchesToDivisor = true }
        if try Self.flag(config, "do_resize", file) == false {
            resize = ModelSettings.Resize.none
        } else {
            try readSize(config, file, fitsSquare: !isMaskFormer)
        }
    }

    /// Refuses what cannot be done as the processor does it.
    private static func requireSupported(_ config: [String: Any], _ file: String) throws {
        for key in ["do_center_crop", "do_split_image"] where try flag(config, key, file) == true {
            throw unknown(true, key, file, expected: "false; that step is not supported")
        }
        if let size = value(config, "pad_size") {
            throw unknown(size, "pad_size", file, expected: "null; it is not supported")
        }
        if let filter = try number(config, "resample", file), filter != 2 {
            throw unknown(filter, "resample", file, expected: "2, the bilinear filter; others are not supported")
        }
    }

    /// Reads the size that images are brought to.
    /// - Parameter fitsSquare: whether one length is that of a square into which the image fits.
    private mutating func readSize(_ config: [String: Any], _ file: String, fitsSquare: Bool) throws {
        func edge(_ name: String, of object: [String: Any]) throws -> Int? {
            guard let value = Self.value(object, name) else { return nil }
            guard let edge = try Self.integer(object, name, in: 1...ModelLimits.inputSide, file) else {
                throw Self.unknown(value, name, file, expected: "a whole number")
            }
            return edge
        }
        let limit = try edge("max_size", of: config)
        var (short, long): (Int?, Int?) = (nil, limit)
        switch Self.value(config, "size") {
        case nil: if limit != nil { short = 800 }
        case is Double: short = try edge("size", of: config)
        case let sides as [Double] where sides.count == 2:
            inputSize = try Self.size(["height": sides[0], "width": sides[1]], file)
            resize = .stretch
            return
        case let size as [String: Any]:
            if let fixed = try Self.size(size, file) {
                (resize, inputSize) = (.stretch, fixed)
                return
            }
            short = try edge("shortest_edge", of: size)
            long = try edge("longest_edge", of: size) ?? limit
            guard short != nil else {
                throw Self.unknown(
                    size, "size", file,
                    expected: "a height and a width, or a shortest_edge with or without a longest_edge")
            }
        case let size?:
            throw Self.unknown(size, "size", file, expected: "a whole number, or an object of lengths")
        }
        guard let short else { return }
        if fitsSquare, long == nil || long == short {
            // The longer side is the limit: the image fits into a square.
            (resize, inputSize) = (.letterboxTopLeft, ImageSize(width: short, height: short))
        } else {
            (resize, shortestEdge, longestEdge) = (.shortestEdge, short, long ?? 1333)
        }
    }

    /// The `config.json` of a checkpoint of transformers.
    init(transformersConfig config: [String: Any], file: String) throws {
        self.init()
        family = (config["model_type"] as? String).flatMap(Self.family(ofTransformers:))
        guard let labels = Self.value(config, "id2label") else { return }
        guard let labels = labels as? [String: Any] else {
            throw Self.unknown(labels, "id2label", file, expected: "an object of names by number")
        }
        names = try ClassNames(byText: labels.mapValues { $0 as? String ?? "\($0)" }, source: file).bySlot
    }

    private static func family(ofTransformers name: String) -> ModelFamily? {
        if name.contains("mask2former") { return .mask2former }
        if name.contains("maskformer") { return .maskformer }
        return name.contains("eomt") ? .eomt : nil
    }

    /// The `pipeline.json` or `detail.json` of mmdeploy: transforms anywhere inside, and the names of classes.
    init(mmdeploy config: [String: Any], file: String) throws {
        self.init()
        for transform in Self.objects(in: config, depth: 0) {
            switch transform["type"] as? String {
            case "Normalize":
                mean = try Self.triple(transform["mean"], "mean", file) ?? mean
                std = try Self.triple(transform["std"], "std", file) ?? std
                if mean != nil { scale = 1 }
                if let isRGB = transform["to_rgb"] as? Bool ?? transform["bgr_to_rgb"] as? Bool {
                    color = isRGB ? .rgb : .bgr
                }
            case "Pad":
                divisor = try Self.integer(transform, "size_divisor", in: 1...ModelLimits.divisor, file) ?? divisor
                let value = (transform["pad_val"] as? [String: Any])?["img"] ?? transform["pad_val"]
                if let byte = value as? Double ?? (value as? [Double])?.first {
                    padValue = UInt8(min(max(byte, 0), 255))
                }
            default: break
            }
            for key in ["classes", "CLASSES", "class_names"] {
                guard names == nil, let list = transform[key] as? [String] else { continue }
                names = try ClassNames(list, source: file).bySlot
            }
        }
    }

    /// All objects inside a value, outer ones first.
    private static func objects(in value: Any, depth: Int) -> [[String: Any]] {
        guard depth < 16 else { return [] }
        if let object = value as? [String: Any] {
            return [object] + object.keys.sorted().flatMap { objects(in: object[$0] as Any, depth: depth + 1) }
        }
        return (value as? [Any])?.flatMap { objects(in: $0, depth: depth + 1) } ?? []
    }
}
