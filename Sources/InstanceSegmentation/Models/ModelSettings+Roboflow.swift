import Foundation
import Imaging

extension ModelSettings {
    /// The package of Roboflow's newer engine, `inference-models`. What cannot be done as the engine does it is refused.
    ///
    /// Source: `inference-models` 0.39.6, `models/common/roboflow/model_packages.py`.
    init(inferenceConfig config: [String: Any], file: String) throws {
        self.init()
        if let before = Self.value(config, "image_pre_processing") {
            guard let before = before as? [String: Any] else {
                throw Self.unknown(before, "image_pre_processing", file, expected: "an object")
            }
            steps = try Self.packageSteps(before, file)
        }
        if let network = Self.value(config, "network_input") {
            guard let network = network as? [String: Any] else {
                throw Self.unknown(network, "network_input", file, expected: "an object")
            }
            try readPackageInput(network, file)
        }
        if let after = config["post_processing"] as? [String: Any] {
            if after["fused"] as? Bool == true { hasReadyRows = true }
            if let nms = after["nms_parameters"] as? [String: Any] {
                confidence = (nms["confidence_threshold"] as? Double).map(Float.init)
                iou = nms["iou_threshold"] as? Double
                isClassAgnostic = try Self.isOn(nms, "class_agnostic", file) ? true : nil
                maxDetections = try Self.integer(nms, "max_detections", in: 1...Int.max, file)
            }
        }
        for operation in (Self.value(config, "class_names_operations") as? [Any]) ?? [] {
            guard let operation = operation as? [String: Any], operation["type"] as? String == "class_name_removal",
                let name = operation["class_name"] as? String
            else {
                throw Self.unknown(
                    operation, "class_names_operations", file, expected: "operations of type 'class_name_removal'")
            }
            removedNames = (removedNames ?? []).union([name])
        }
    }

    private mutating func readPackageInput(_ network: [String: Any], _ file: String) throws {
        if let channels = try Self.number(network, "input_channels", file), channels != 3 {
            throw Self.unknown(channels, "input_channels", file, expected: "3")
        }
        if let size = Self.value(network, "training_input_size") {
            guard let size = size as? [String: Any], let found = try Self.size(size, file) else {
                throw Self.unknown(size, "training_input_size", file, expected: "a height and a width")
            }
            inputSize = found
        }
        if let mode = Self.value(network, "color_mode") {
            guard let text = mode as? String, let order = ["rgb": ColorOrder.rgb, "bgr": .bgr][text] else {
                throw Self.unknown(mode, "color_mode", file, expected: "'rgb' or 'bgr'")
            }
            color = order
        }
        guard let mode = Self.value(network, "resize_mode") else {
            scale = try Self.number(network, "scaling_factor", file).map(Float.init)
            return
        }
        guard let text = mode as? String, let mode = RoboflowPackage.Mode(rawValue: text) else {
            throw Self.unknown(
                mode, "resize_mode", file,
                expected: "one of " + RoboflowPackage.Mode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        // The engine leaves bytes as they are where nothing is said.
        scale = try Self.number(network, "scaling_factor", file).map(Float.init) ?? 1
        (mean, std) = ([0, 0, 0], [1, 1, 1])
        var package = RoboflowPackage(mode: mode)
        if let pair = Self.value(network, "normalization") {
            guard let pair = pair as? [Any], pair.count == 2,
                let means = try Self.triple(pair[0], "normalization", file),
                let deviations = try Self.triple(pair[1], "normalization", file)
            else {
                throw Self.unknown(
                    pair, "normalization", file, expected: "a list of means and one of standard deviations")
            }
            (mean, std, package.isNormalized) = (means, deviations, true)
        }
        if let byte = try Self.integer(network, "padding_value", in: 0...255, file) { package.padding = UInt8(byte) }
        if let size = Self.value(network, "dataset_version_resize_dimensions") {
            guard let size = size as? [String: Any], let found = try Self.size(size, file) else {
                throw Self.unknown(
                    size, "dataset_version_resize_dimensions", file, expected: "a height and a width")
            }
            package.versionSize = found
        }
        if inputSize == nil {
            let anySize = network["dynamic_spatial_size_mode"] as? [String: Any]
            guard network["dynamic_spatial_size_supported"] as? Bool == true, anySize?["type"] as? String == "any-size"
            else { throw Self.unknown(nil, "training_input_size", file, expected: "a height and a width") }
            resize = ModelSettings.Resize.none
        }
        self.package = package
    }

    /// The steps before resizing in the newer engine's order; contrast is that of colors.
    private static func packageSteps(_ before: [String: Any], _ file: String) throws -> [ImageStep] {
        func enabled(_ key: String) throws -> [String: Any]? {
            guard let step = value(before, key) else { return nil }
            guard let step = step as? [String: Any] else { throw unknown(step, key, file, expected: "an object") }
            return try isOn(step, "enabled", file) ? step : nil
        }
        var steps: [ImageStep] = []
        if let crop = try enabled("static-crop") {
            func share(_ key: String) throws -> Double {
                guard let percent = try number(crop, key, file), (0...100).contains(percent) else {
                    throw unknown(crop[key], key, file, expected: "a percentage from 0 to 100")
                }
                return percent / 100
            }
            let (left, right) = (try share("x_min"), try share("x_max"))
            let (top, bottom) = (try share("y_min"), try share("y_max"))
            guard left < right, top < bottom else {
                throw unknown(crop, "static-crop", file, expected: "x_min below x_max and y_min below y_max")
            }
            steps.append(.crop(left: left, top: top, right: right, bottom: bottom))
        }
        if try enabled("grayscale") != nil { steps.append(.grayscale) }
        if let contrast = try enabled("contrast") {
            guard let kind = (contrast["type"] as? String).flatMap(ImageStep.Contrast.init) else {
                throw unknown(
                    contrast["type"], "contrast", file,
                    expected: "one of " + ImageStep.Contrast.allCases.map(\.rawValue).joined(separator: ", "))
            }
            steps.append(.colorContrast(kind))
        }
        return steps
    }

    /// Whether a switch is on, which is written as true or false, or as 1 or 0.
    private static func isOn(_ object: [String: Any], _ key: String, _ file: String) throws -> Bool {
        guard let value = value(object, key) else { return false }
        if let flag = value as? Bool { return flag }
        guard let number = value as? Double, number == 0 || number == 1 else {
            throw unknown(value, key, file, expected: "true or false")
        }
        return number == 1
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

    private static func steps(_ before: [String: Any], order: [String]) -> [ImageStep] {
        order.compactMap { name -> ImageStep? in
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
            default: return (step["type"] as? String).flatMap(ImageStep.Contrast.init).map(ImageStep.contrast)
            }
        }
    }
}
