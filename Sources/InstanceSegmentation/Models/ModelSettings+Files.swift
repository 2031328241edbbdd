public import Foundation
import Imaging

extension ModelSettings {
    /// Reads the files beside a model. What stands in an earlier one of these goes before what stands in a later one:
    /// `model.json`, `class_names.txt`, Roboflow's `inference_config.json` and `environment.json`, the `preprocessor_config.json` and
    /// `config.json` of transformers, the `pipeline.json` and `detail.json` of mmdeploy.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    public init(filesIn folder: URL) throws {
        self.init()
        func data(_ name: String) throws -> Data? {
            let file = folder.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { return nil }
            return try Data(contentsOf: file)
        }
        func object(_ name: String) throws -> [String: Any]? {
            try data(name).map { data in
                guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                    throw SegmentationError.invalidConfiguration("\(name) is not a JSON object.")
                }
                return object
            }
        }
        var layers: [ModelSettings] = []
        if let json = try data("model.json") { layers.append(try ModelSettings(modelJSON: json)) }
        let namesFile = try object("model.json")?["namesFile"] as? String ?? "class_names.txt"
        guard !namesFile.contains("/"), !namesFile.contains("..") else {
            throw SegmentationError.invalidConfiguration("model.json: 'namesFile' must be a file beside it.")
        }
        if let text = try data(namesFile) {
            layers.append(ModelSettings(classNames: String(decoding: text, as: UTF8.self)))
        }
        if let found = try object("inference_config.json") { layers.append(ModelSettings(inferenceConfig: found)) }
        if let found = try object("environment.json") { layers.append(ModelSettings(environment: found)) }
        if let found = try object("preprocessor_config.json") {
            layers.append(ModelSettings(preprocessorConfig: found))
        }
        if let found = try object("config.json") { layers.append(ModelSettings(transformersConfig: found)) }
        for name in ["pipeline.json", "detail.json"] {
            if let found = try object(name) { layers.append(ModelSettings(mmdeploy: found)) }
        }
        self = layers.reduce(ModelSettings()) { $0.over($1) }
    }
}

// MARK: Roboflow

extension ModelSettings {
    /// The package of Roboflow's newer runtime.
    init(inferenceConfig config: [String: Any]) {
        self.init()
        if let before = config["image_pre_processing"] as? [String: Any] {
            steps = Self.steps(before, order: ["static-crop", "grayscale", "contrast"])
        }
        if let network = config["network_input"] as? [String: Any] {
            if let size = network["training_input_size"] as? [String: Any] { inputSize = Self.size(size) }
            color = (network["color_mode"] as? String).flatMap(ColorOrder.init)
            scale = (network["scaling_factor"] as? Double).map(Float.init)
            if let pair = network["normalization"] as? [[Double]], pair.count == 2, pair.allSatisfy({ $0.count == 3 }) {
                mean = pair[0].map(Float.init)
                std = pair[1].map(Float.init)
            }
            switch network["resize_mode"] as? String {
            case "stretch": resize = .stretch
            case "letterbox", "letterbox-reflect-edges", "center-crop": resize = .letterbox
            case "fit-longer-edge": resize = .letterboxTopLeft
            default: break
            }
            if resize == .letterbox || resize == .letterboxTopLeft {
                padValue = (network["padding_value"] as? Double).map { UInt8(min(max($0, 0), 255)) } ?? 0
            }
        }
        if let after = config["post_processing"] as? [String: Any] {
            if after["fused"] as? Bool == true { hasReadyRows = true }
            if let nms = after["nms_parameters"] as? [String: Any] {
                confidence = (nms["confidence_threshold"] as? Double).map(Float.init)
                iou = nms["iou_threshold"] as? Double
                isClassAgnostic = (nms["class_agnostic"] as? Bool).flatMap { $0 ? true : nil }
                maxDetections = (nms["max_detections"] as? Double).flatMap(Int.init(exactly:))
            }
        }
    }

    /// The package of Roboflow's older runtime.
    init(environment: [String: Any]) {
        self.init()
        // An object, or a text that holds one.
        var before = environment["PREPROCESSING"] as? [String: Any]
        if let text = environment["PREPROCESSING"] as? String {
            before = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        }
        steps = before.map { Self.steps($0, order: ["static-crop", "contrast", "grayscale"]) }
        let resizing = before?["resize"] as? [String: Any]
        if let resizing, resizing["enabled"] as? Bool != false {
            inputSize = Self.size(resizing)
            switch resizing["format"] as? String {
            case "Fit (black edges) in", "Fit within", "Fit (reflect edges) in", "Fill (with center crop) in":
                (resize, padValue) = (.letterbox, 0)
            case "Fit (white edges) in": (resize, padValue) = (.letterbox, 255)
            case "Fit (grey edges) in": (resize, padValue) = (.letterbox, 114)
            default: resize = .stretch
            }
        } else {
            resize = .stretch
        }
        if let map = environment["CLASS_MAP"] as? [String: String] {
            names = Dictionary(map.compactMap { key, name in Int(key).map { ($0, name) } }) { first, _ in first }
        }
    }

    private static func size(_ sides: [String: Any]) -> ImageSize? {
        guard let width = sides["width"] as? Double, let height = sides["height"] as? Double,
            let w = Int(exactly: width), let h = Int(exactly: height), (1...8192).contains(w), (1...8192).contains(h)
        else { return nil }
        return ImageSize(width: w, height: h)
    }

    private static func steps(_ before: [String: Any], order: [String]) -> [PictureStep] {
        order.compactMap { name -> PictureStep? in
            guard let step = before[name] as? [String: Any], step["enabled"] as? Bool == true else { return nil }
            switch name {
            case "static-crop":
                func share(_ key: String, _ standard: Double) -> Double {
                    min(max((step[key] as? Double ?? standard) / 100, 0), 1)
                }
                let (left, top) = (share("x_min", 0), share("y_min", 0))
                let (right, bottom) = (share("x_max", 100), share("y_max", 100))
                return right > left && bottom > top ? .crop(left: left, top: top, right: right, bottom: bottom) : nil
            case "grayscale": return .grayscale
            default: return (step["type"] as? String).flatMap(PictureStep.Contrast.init).map(PictureStep.contrast)
            }
        }
    }
}

// MARK: transformers and mmdeploy

extension ModelSettings {
    /// The `preprocessor_config.json` of a checkpoint of transformers.
    init(preprocessorConfig config: [String: Any]) {
        self.init()
        let type = (config["image_processor_type"] ?? config["feature_extractor_type"]) as? String ?? ""
        family = Self.family(ofTransformers: type.lowercased())
        mean = Self.triple(config["image_mean"])
        std = Self.triple(config["image_std"])
        if let factor = config["rescale_factor"] as? Double, factor > 0 { scale = Float((1 / factor).rounded()) }
        divisor = (config["size_divisor"] as? Double).flatMap(Int.init(exactly:)).flatMap { $0 > 0 ? $0 : nil }
        guard config["do_resize"] as? Bool != false else {
            resize = ModelSettings.Resize.none
            return
        }
        guard let size = config["size"] as? [String: Any] else { return }
        func edge(_ name: String) -> Int? { (size[name] as? Double).flatMap(Int.init(exactly:)) }
        if let fixed = Self.size(size) {
            (resize, inputSize) = (.stretch, fixed)
        } else if let short = edge("shortest_edge") {
            let long = edge("longest_edge") ?? (config["max_size"] as? Double).flatMap(Int.init(exactly:))
            (resize, shortestEdge, longestEdge) = (.shortestEdge, short, long ?? short)
            if long == nil || long == short {
                // The longer side is the limit: the picture fits into a square.
                (resize, inputSize) = (.letterboxTopLeft, ImageSize(width: short, height: short))
            }
        }
    }

    /// The `config.json` of a checkpoint of transformers.
    init(transformersConfig config: [String: Any]) {
        self.init()
        family = (config["model_type"] as? String).flatMap(Self.family(ofTransformers:))
        if let labels = config["id2label"] as? [String: String] {
            names = Dictionary(labels.compactMap { key, name in Int(key).map { ($0, name) } }) { first, _ in first }
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
    init(mmdeploy config: [String: Any]) {
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
                divisor = (transform["size_divisor"] as? Double).flatMap(Int.init(exactly:)) ?? divisor
                let value = (transform["pad_val"] as? [String: Any])?["img"] ?? transform["pad_val"]
                if let byte = value as? Double ?? (value as? [Double])?.first {
                    padValue = UInt8(min(max(byte, 0), 255))
                }
            default: break
            }
            for key in ["classes", "CLASSES", "class_names"] {
                guard names == nil, let list = transform[key] as? [String] else { continue }
                names = Dictionary(uniqueKeysWithValues: list.enumerated().map { ($0.offset, $0.element) })
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
