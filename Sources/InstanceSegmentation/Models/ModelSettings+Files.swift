public import Foundation
import Imaging

extension ModelSettings {
    /// The names of the files that `init(filesIn:)` reads, besides the one that `model.json` names as `namesFile`.
    package static let fileNames: Set<String> = [
        "model.json", "class_names.txt", "inference_config.json", "environment.json", "preprocessor_config.json",
        "config.json", "pipeline.json", "detail.json",
    ]

    /// Reads the files beside a model. What stands in an earlier one of these goes before what stands in a later one:
    /// `model.json`, `class_names.txt`, Roboflow's `inference_config.json` and `environment.json`, the `preprocessor_config.json` and
    /// `config.json` of transformers, the `pipeline.json` and `detail.json` of mmdeploy.
    /// - Throws: `SegmentationError.invalidConfiguration`.
    public init(filesIn folder: URL) throws {
        self.init()
        func data(_ name: String) throws -> Data? { try OrdinaryFile.contents(of: folder.appending(path: name)) }
        func object(_ data: Data, _ name: String) throws -> [String: Any] {
            guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw SegmentationError.invalidConfiguration("\(name) is not a JSON object.")
            }
            return object
        }
        var layers: [ModelSettings] = []
        /// Reads a file where there is one, and checks what it says before anything is computed from it.
        func read(_ name: String, _ settings: ([String: Any], String) throws -> ModelSettings) throws {
            guard let data = try data(name) else { return }
            layers.append(try settings(object(data, name), name).checked(name))
        }
        var namesFile = "class_names.txt"
        if let json = try data("model.json") {
            layers.append(try ModelSettings(modelJSON: json).checked("model.json"))
            namesFile = try object(json, "model.json")["namesFile"] as? String ?? namesFile
        }
        let isPlain = !["", "."].contains(namesFile) && !["/", "..", "\0"].contains(where: namesFile.contains)
        guard isPlain else {
            throw SegmentationError.invalidConfiguration("model.json: 'namesFile' must be a file beside it.")
        }
        if let text = try data(namesFile) {
            layers.append(
                try ModelSettings(classNames: String(decoding: text, as: UTF8.self), file: namesFile.excerpt()))
        }
        try read("inference_config.json") { try ModelSettings(inferenceConfig: $0, file: $1) }
        try read("environment.json") { try ModelSettings(environment: $0, file: $1) }
        try read("preprocessor_config.json") { try ModelSettings(preprocessorConfig: $0, file: $1) }
        try read("config.json") { try ModelSettings(transformersConfig: $0, file: $1) }
        for name in ["pipeline.json", "detail.json"] { try read(name) { try ModelSettings(mmdeploy: $0, file: $1) } }
        self = layers.reduce(ModelSettings()) { $0.over($1) }
    }
}

// MARK: Roboflow

extension ModelSettings {
    /// The package of Roboflow's newer runtime.
    init(inferenceConfig config: [String: Any], file: String) throws {
        self.init()
        if let before = config["image_pre_processing"] as? [String: Any] {
            steps = Self.steps(before, order: ["static-crop", "grayscale", "contrast"])
        }
        if let network = config["network_input"] as? [String: Any] {
            if let size = network["training_input_size"] as? [String: Any] { inputSize = try Self.size(size, file) }
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
                maxDetections = try Self.integer(nms, "max_detections", in: 1...Int.max, file)
            }
        }
    }

    /// The package of Roboflow's older runtime.
    init(environment: [String: Any], file: String) throws {
        self.init()
        // An object, or a text that holds one.
        var before = environment["PREPROCESSING"] as? [String: Any]
        if let text = environment["PREPROCESSING"] as? String {
            before = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        }
        steps = before.map { Self.steps($0, order: ["static-crop", "contrast", "grayscale"]) }
        let resizing = before?["resize"] as? [String: Any]
        if let resizing, resizing["enabled"] as? Bool != false {
            inputSize = try Self.size(resizing, file)
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
            names = try ClassNames(byText: map, source: file).bySlot
        }
    }

    /// A size; `nil` where one of its sides is not given as a number.
    private static func size(_ sides: [String: Any], _ file: String) throws -> ImageSize? {
        guard sides["width"] is Double, sides["height"] is Double,
            let width = try integer(sides, "width", in: 1...ModelLimits.inputSide, file),
            let height = try integer(sides, "height", in: 1...ModelLimits.inputSide, file)
        else { return nil }
        return ImageSize(width: width, height: height)
    }

    /// An integer of a tool's file; `nil` if the key is missing or its value is not a number.
    /// - Throws: `SegmentationError.invalidConfiguration` for a number that is not accepted.
    private static func integer(
        _ object: [String: Any], _ key: String, in range: ClosedRange<Int>, _ file: String
    ) throws -> Int? {
        guard let number = object[key] as? Double else { return nil }
        let integer = Int(exactly: number)
        guard let integer, range.contains(integer) else {
            let found = integer.map(String.init) ?? String(number)
            throw SegmentationError.invalidConfiguration(
                "\(file): '\(key)' is \(found); whole numbers from \(range.lowerBound) to \(range.upperBound) are accepted."
            )
        }
        return integer
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
