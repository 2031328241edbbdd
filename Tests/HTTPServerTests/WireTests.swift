import AnnotationFormats
import Foundation
import HTTPTypes
import ImageCodecs
import Imaging
import InstanceSegmentation
import NIOCore
import Serving
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test(
        arguments: [
            (0, "0"), (231, "231"), (-7, "-7"), (0.5, "0.5"), (179.2, "179.2"), (310.1, "310.1"), (1e-5, "0.00001"),
            (1.25e-7, "0.000000125"), (-2.5e-5, "-0.000025"), (1e22, "10000000000000000000000"), (-0.0, "0"),
        ] as [(Double, String)])
    func numbersAreShortAndWithoutExponent(value: Double, expected: String) throws {
        let written = text { $0.number(value) }
        #expect(written == expected)
        #expect(Double(written) == value)
    }

    @Test func aFloatHasTheDigitsThatIdentifyIt() {
        #expect(text { $0.number(Float(0.943)) } == "0.943")
        #expect(text { $0.number(Float(0.9430124)) } == "0.9430124")
        #expect(text { $0.number(Float(1)) } == "1")
        #expect(text { $0.number(Float(0.00001)) } == "0.00001")
    }

    @Test func randomNumbersReadBack() {
        var random = SeededRandom(seed: 4)
        for _ in 0..<5000 {
            let exponent = Double(Int.random(in: -12...12, using: &random))
            let value = Double.random(in: -1...1, using: &random) * pow(10, exponent)
            #expect(Double(text { $0.number(value) }) == value)
        }
        #expect(text { $0.integer(.min) } == "-9223372036854775808")
        #expect(text { $0.integer(.max) } == "9223372036854775807")
    }

    @Test func stringsAreEscapedAsJSONWants() throws {
        let hard = "quote \" backslash \\ line \n tab \t null \u{0} \u{1F} ü 鉛 😀"
        let written = text { $0.string(hard) }
        #expect(try JSONDecoder().decode(String.self, from: Data(written.utf8)) == hard)
    }

    @Test func identifiersAreUUIDsOfVersion4() throws {
        var random = SeededRandom(seed: 5)
        let all = (0..<200).map { _ in text { $0.uuid(using: &random) } }
        #expect(Set(all).count == 200)
        for text in all {
            #expect(text == text.lowercased())
            let uuid = try #require(UUID(uuidString: String(text.dropFirst().dropLast())))
            #expect(uuid.uuid.6 >> 4 == 4 && uuid.uuid.8 >> 6 == 2)
        }
    }
}

@Suite struct ParameterTests {
    private func request(_ query: String) throws -> PredictionRequest {
        try PredictionRequest(Parameters(query: query))
    }

    @Test(
        arguments: [
            ("", 0.4, 0.3), ("confidence=40&overlap=30", 0.4, 0.3), ("confidence=0.5&overlap=0.5", 0.5, 0.5),
            ("confidence=0.99&overlap=0.99", 0.99, 0.99), ("confidence=1&overlap=1", 0.01, 0.01),
            ("confidence=1.5&overlap=1.5", 0.015, 0.015), ("confidence=100&overlap=100", 1, 1),
            ("confidence=0&overlap=0", 0.01, 0),
            ("confidence=-5&overlap=-5", 0.01, 0), ("confidence=150&overlap=150", 1, 1), ("confidence=1e2", 1, 0.3),
            ("confidence=+40", 0.4, 0.3), ("confidence=%2B40", 0.4, 0.3), ("confidence=%2040%20", 0.4, 0.3),
            ("confidence=.5", 0.5, 0.3), ("confidence=5.", 0.05, 0.3), ("confidence=40&confidence=70", 0.7, 0.3),
            ("confidence=best", 0.4, 0.3), ("confidence=default", 0.4, 0.3),
        ] as [(String, Double, Double)])
    func confidenceAndOverlapArePerCentOrFractions(query: String, confidence: Double, overlap: Double) throws {
        let options = try request(query).options
        #expect(abs(Double(options.confidenceThreshold) - confidence) < 1e-6)
        #expect(abs(options.iouThreshold - overlap) < 1e-12)
    }

    @Test(arguments: [
        "confidence=", "confidence=abc", "confidence=40%25", "confidence=0,4", "confidence=0x10", "confidence=BEST",
        "confidence=nan", "confidence=inf", "confidence=-inf", "overlap=best", "overlap=", "max_detections=0",
        "max_detections=2.5", "max_detections=x", "stroke=2.5", "stroke=", "labels=", "labels=maybe", "labels=2",
        "response_mask_format=dummy", "class_agnostic_nms=x", "confidence=1e999",
        "disable_preproc_contrast=x",
    ])
    func nonsenseIsRefusedWithTheNameOfTheParameter(query: String) throws {
        #expect { try request(query) } throws: { error in
            guard case .invalidParameter(let parameter) = error as? RequestError else { return false }
            return query.hasPrefix(parameter.name + "=") && parameter.location == "query"
        }
    }

    @Test func theRestOfTheParametersHaveTheirMeaning() throws {
        let asked = try request(
            "format=image&labels=True&stroke=2.0&max_detections=7&classes=a,%20b&response_mask_format=rle&class_agnostic_nms=1"
        )
        #expect(asked.format == .image && asked.drawsLabels && asked.lineWidth == 2)
        #expect(
            asked.options.maxDetections == 7 && asked.options.classes == ["a", "b"] && asked.options.isClassAgnostic)
        #expect(asked.maskFormat == .rle)
        #expect(try request("format=IMAGE&stroke=-1&unknown=x&allow_reduced_mask_resolution=False").format == .json)
        #expect(try request("classes=").options.classes == nil)
        #expect(try request("mask_decode_mode=fast").options.maskResolution == .coarse(0))
        #expect(try request("mask_decode_mode=tradeoff&tradeoff_factor=0.25").options.maskResolution == .coarse(0.25))
        #expect(try request("mask_decode_mode=accurate&tradeoff_factor=0.25").options.maskResolution == .image)
        #expect(throws: RequestError.self) { try request("mask_decode_mode=dummy") }
        #expect(throws: RequestError.self) { try request("tradeoff_factor=") }
        #expect(throws: RequestError.self) { try request("tradeoff_factor=1.1") }
        #expect(throws: RequestError.self) { try request("tradeoff_factor=nan") }
        #expect(throws: RequestError.self) { try request("image_type=numpy") }
    }

    @Test func theQueryGoesBeforeTheBody() {
        var parameters = Parameters(query: "confidence=10&image=http%3A%2F%2Fh%2Fa%252Bb%3Fx%3D1")
        parameters.addBody([("confidence", "20"), ("overlap", "50")])
        #expect(parameters.value("confidence")?.text == "10")
        #expect(parameters.value("overlap")?.location == "body")
        #expect(parameters.value("image")?.text == "http://h/a%2Bb?x=1")
        #expect(parameters.value("absent") == nil)
    }
}

@Suite struct ImageBodyTests {
    let file = (try? RasterImage.gradient(width: 9, height: 5).encoded(as: .png)) ?? []
    var base64: String { Data(file).base64EncodedString() }

    private func bytes(_ body: ImageBody) -> [UInt8]? {
        switch body.image {
        case .body(let buffer): Array(buffer.readableBytesView)
        case .data(let data): [UInt8](data)
        case .url, .none: nil
        }
    }

    private func read(_ text: String, _ contentType: String?) throws -> ImageBody {
        try ImageBody(ByteBuffer(string: text), contentType: contentType)
    }

    @Test(arguments: [
        nil, "application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "application/json", "image/jpeg",
    ])
    func theContentDecidesAndNotTheLabel(contentType: String?) throws {
        #expect(bytes(try ImageBody(ByteBuffer(bytes: file), contentType: contentType)) == file)
        #expect(bytes(try read(base64, contentType)) == file)
        #expect(bytes(try read("data:image/png;base64," + base64, contentType)) == file)
        #expect(
            bytes(try read("image=" + base64.replacing("+", with: "%2B").replacing("/", with: "%2F"), contentType))
                == file)
        #expect(bytes(try read("{\"image\": \"\(base64)\"}", contentType)) == file)
        #expect(bytes(try read("{\"image\": {\"type\": \"base64\", \"value\": \"\(base64)\"}}", contentType)) == file)
        #expect(bytes(try read("\"" + base64.replacing("/", with: "\\/") + "\"", contentType)) == file)
    }

    @Test func aMultipartFormIsReadByItsParts() throws {
        func form(_ parts: [(String, String?, [UInt8])]) -> ByteBuffer {
            var buffer = ByteBuffer()
            for (name, filename, content) in parts {
                buffer.writeString("--xyz\r\nContent-Disposition: form-data; name=\"\(name)\"")
                if let filename { buffer.writeString("; filename=\"\(filename)\"") }
                buffer.writeString("\r\nContent-Type: image/jpeg\r\n\r\n")
                buffer.writeBytes(content)
                buffer.writeString("\r\n")
            }
            buffer.writeString("--xyz--\r\n")
            return buffer
        }
        let type = "multipart/form-data; boundary=\"xyz\""
        let usual = try ImageBody(
            form([("confidence", nil, Array("10".utf8)), ("file", "imageToUpload", file)]), contentType: type)
        #expect(bytes(usual) == file)
        #expect(usual.fields.map(\.name) == ["confidence"] && usual.fields.map(\.value) == ["10"])
        #expect(bytes(try ImageBody(form([("image", nil, Array(base64.utf8))]), contentType: type)) == file)
        #expect(bytes(try ImageBody(form([("x", "a.png", file)]), contentType: type)) == file)
        for parts in [[("x", nil, file)], [("x", "a", file), ("y", "b", file)], []] as [[(String, String?, [UInt8])]] {
            #expect { try ImageBody(form(parts), contentType: type) } throws: {
                if case .missingFilePart = $0 as? RequestError { true } else { false }
            }
        }
        for length in 0..<200 {  // cut anywhere
            var whole = form([("file", "a", file)])
            _ = try? ImageBody(
                whole.readSlice(length: min(length, whole.readableBytes)) ?? ByteBuffer(), contentType: type)
        }
    }

    @Test func jsonCarriesParametersAndAddresses() throws {
        let body = try read(
            #"{"image":{"type":"url","value":"https://h/a.jpg"},"confidence":0.5,"labels":true,"classes":["a","b"],"x":null}"#,
            nil)
        if case .url(let address) = body.image {
            #expect(address == "https://h/a.jpg")
        } else {
            Issue.record("no address")
        }
        #expect(
            Dictionary(uniqueKeysWithValues: body.fields.map { ($0.name, $0.value) }) == [
                "confidence": "0.5", "labels": "true", "classes": "a,b",
            ])
    }

    @Test(arguments: ["", "  \n"]) func nothingIsNone(text: String) throws {
        if case .none = try read(text, nil).image {} else { Issue.record("something was found") }
    }

    @Test(arguments: ["{", "{\"image\": {\"type\": \"file\", \"value\": \"x\"}}", "not base64!", "\"a\\qb\"", "image="])
    func nonsenseIsAnError(text: String) {
        #expect { try read(text, nil) } throws: { $0 is RequestError || $0 is ServiceError }
    }
}

@Suite struct RouteTests {
    private static let served = [ModelID(dataset: "m", version: "1"), ModelID(dataset: "m", version: "2")]
    private static let model = ModelID(dataset: "m", version: "1")

    @Test(
        arguments: [
            ("/m/1", Route.model(model)), ("//m/1", .model(model)), ("/m/1/", .model(model)),
            ("/my%20m/v%C3%BC", .model(ModelID(dataset: "my m", version: "vü"))), ("/healthz", .health),
            ("//readiness/", .readiness), ("/info", .info), ("/", .keyCheck), ("//", .keyCheck), ("/../1", .unknown),
            ("/m/..", .unknown), ("/m/%2e%2e", .unknown), ("/m/a%2Fb", .unknown), ("/%FF/1", .unknown),
            ("/model/registry", .registry), ("//model/add", .addModel), ("/model/remove", .removeModel),
            ("/model/clear", .clearModels), ("/infer/instance_segmentation", .infer),
            ("/infer/object_detection", .unknown),
            ("/infer/1", .unknown), ("/favicon.ico", .unknown), ("/a/b/c/d", .unknown),
        ] as [(String, Route)])
    func pathsMeanWhatTheContractSays(path: String, route: Route) {
        #expect(Route(path: path, method: .post, served: Self.served) == route)
    }

    @Test func twoSegmentsAreAModelOrAProjectByWhatIsServed() {
        func get(_ path: String, hasImage: Bool = false) -> Route {
            Route(path: path, method: .get, served: Self.served, hasImage: hasImage)
        }
        #expect(get("/m/1") == .model(Self.model))
        #expect(get("/team/m") == .project("m", workspace: "team"))
        #expect(get("/team/m", hasImage: true) == .model(ModelID(dataset: "team", version: "m")))
        #expect(get("/team/n") == .model(ModelID(dataset: "team", version: "n")))
        #expect(
            Route(path: "/team/m", method: .post, served: Self.served) == .model(ModelID(dataset: "team", version: "m"))
        )
        #expect(get("/team") == .workspace("team"))
        #expect(get("/team/m/1") == .version(Self.model, workspace: "team"))
        #expect(get("/team/m/1/v2/trainings") == .trainings(Self.model, isOne: false))
        #expect(get("/team/m/1/v2/trainings/get") == .trainings(Self.model, isOne: true))
    }
}

@Suite struct PredictionResponseTests {
    /// The same answer, read the usual way.
    struct Answer: Decodable {
        struct Prediction: Decodable {
            struct Place: Decodable { let x, y: Double }
            struct Runs: Decodable {
                let size: [Int]
                let counts: String
            }
            let x, y, width, height, confidence: Double
            let `class`: String
            let class_id: Int
            let detection_id: String
            let points: [Place]?
            let rle: Runs?
            let mask_format: String
        }
        struct Size: Decodable { let width, height: Int }
        let inference_id: String
        let time: Double
        let image: Size
        let predictions: [Prediction]
        let visualization: String?
        let file: String?
    }

    private var segmentation: Segmentation {
        let size = ImageSize(width: 24, height: 16)
        var pixels = [UInt8](repeating: 0, count: size.area)
        for y in 4..<12 { for x in 6..<18 { pixels[y * 24 + x] = 1 } }
        let box = BoundingBox(x1: 4.5, y1: 3, x2: 19.5, y2: 13)
        let detection = Detection(
            classID: 3, className: "a \"b\" ü", confidence: 0.943, box: box, mask: Mask(imageSize: size, pixels: pixels)
        )
        var thin = detection
        thin.box = BoundingBox(x1: 4.1, y1: 3, x2: 4.3, y2: 13)
        return Segmentation(
            imageSize: size, detections: [detection, thin], timing: StageTiming(inference: .milliseconds(52)))
    }

    @Test func theAnswerIsTheJSONOfTheContract() throws {
        let bytes = PredictionResponse(segmentation).json()
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(
            text.contains(#""x":12,"y":8,"width":16,"height":10,"confidence":0.943,"class":"a \"b\" ü","class_id":3"#))
        #expect(
            text.contains(
                #""points":[{"x":6,"y":4},{"x":6,"y":11},{"x":17,"y":11},{"x":17,"y":4}],"mask_format":"polygon""#))
        #expect(!text.contains("\n"))
        let answer = try JSONDecoder().decode(Answer.self, from: Data(bytes))
        #expect(answer.predictions.count == 1, "a box without width is left out")
        #expect(answer.image.width == 24 && answer.image.height == 16)
        #expect(answer.time == 0.052)
        #expect(
            UUID(uuidString: answer.inference_id) != nil && UUID(uuidString: answer.predictions[0].detection_id) != nil)
        let keys = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]).keys
        #expect(Set(keys) == ["inference_id", "time", "image", "predictions"])
    }

    @Test func masksCanBeRunLengths() throws {
        let answer = try JSONDecoder().decode(
            Answer.self, from: Data(PredictionResponse(segmentation, maskFormat: .rle).json()))
        #expect(answer.predictions[0].rle?.size == [16, 24])
        #expect(answer.predictions[0].points == nil && answer.predictions[0].mask_format == "rle")
    }

    @Test func nothingFoundIsAnEmptyList() throws {
        let empty = Segmentation(imageSize: ImageSize(width: 1, height: 1), detections: [], timing: StageTiming())
        let text = String(decoding: PredictionResponse(empty).json(file: "a\"b.jpg"), as: UTF8.self)
        #expect(text.contains(#""predictions":[]"#))
        #expect(text.hasPrefix(#"{"file":"a\"b.jpg","#))
    }
}
