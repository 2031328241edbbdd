import Foundation
import Imaging

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
