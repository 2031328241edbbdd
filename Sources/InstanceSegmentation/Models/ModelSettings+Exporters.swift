import Imaging

extension ModelSettings {
    /// The `preprocessor_config.json` of a checkpoint of transformers.
    init(preprocessorConfig config: [String: Any], file: String) throws {
        self.init()
        let type = (config["image_processor_type"] ?? config["feature_extractor_type"]) as? String ?? ""
        family = Self.family(ofTransformers: type.lowercased())
        mean = Self.triple(config["image_mean"])
        std = Self.triple(config["image_std"])
        if let factor = config["rescale_factor"] as? Double, factor > 0 {
            let (exact, whole) = (1 / factor, (1 / factor).rounded())
            scale = Float(whole > 0 ? whole : exact)
        }
        divisor = try (config["size_divisor"] as? Double).flatMap {
            $0 > 0 ? try Self.integer(config, "size_divisor", in: 1...ModelLimits.divisor, file) : nil
        }
        guard config["do_resize"] as? Bool != false else {
            resize = ModelSettings.Resize.none
            return
        }
        guard let size = config["size"] as? [String: Any] else { return }
        func edge(_ name: String, of object: [String: Any]) throws -> Int? {
            try Self.integer(object, name, in: 1...ModelLimits.inputSide, file)
        }
        if let fixed = try Self.size(size, file) {
            (resize, inputSize) = (.stretch, fixed)
        } else if let short = try edge("shortest_edge", of: size) {
            let long = try edge("longest_edge", of: size) ?? edge("max_size", of: config)
            (resize, shortestEdge, longestEdge) = (.shortestEdge, short, long ?? short)
            if long == nil || long == short {
                // The longer side is the limit: the picture fits into a square.
                (resize, inputSize) = (.letterboxTopLeft, ImageSize(width: short, height: short))
            }
        }
    }

    /// The `config.json` of a checkpoint of transformers.
    init(transformersConfig config: [String: Any], file: String) throws {
        self.init()
        family = (config["model_type"] as? String).flatMap(Self.family(ofTransformers:))
        if let labels = config["id2label"] as? [String: String] {
            names = try ClassNames(byText: labels, source: file).bySlot
        }
    }

    private static func family(ofTransformers name: String) -> ModelFamily? {
        if name.contains("mask2former") { return .mask2former }
        if name.contains("maskformer") { return .maskformer }
        return name.contains("eomt") ? .eomt : nil
    }

    private static func triple(_ value: Any?) -> [Float]? {
        (value as? [Double]).flatMap { $0.count == 3 ? $0.map(Float.init) : nil }
    }

    /// The `pipeline.json` or `detail.json` of mmdeploy: transforms anywhere inside, and the names of classes.
    init(mmdeploy config: [String: Any], file: String) throws {
        self.init()
        for transform in Self.objects(in: config, depth: 0) {
            switch transform["type"] as? String {
            case "Normalize":
                mean = Self.triple(transform["mean"]) ?? mean
                std = Self.triple(transform["std"]) ?? std
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
