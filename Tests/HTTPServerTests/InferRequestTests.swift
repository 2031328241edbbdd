import InstanceSegmentation
import NIOCore
import Testing

@testable import HTTPServer

/// What the JSON of `/infer/instance_segmentation` may say.
@Suite struct InferRequestTests {
    private func request(_ fields: String) throws -> InferRequest {
        let image = #"{"type":"url","value":"https://a.example/b.jpg"}"#
        return try InferRequest(
            ByteBuffer(string: #"{"model_id":"m/1","image":\#(image)\#(fields.isEmpty ? "" : ",")\#(fields)}"#),
            maxImages: 4)
    }

    private static let numbers: [(name: String, text: String)] = [
        ("confidence", "0.5"), ("iou_threshold", "0.5"), ("tradeoff_factor", "0.25"), ("timeout", "5000"),
        ("max_detections", "7"), ("visualization_stroke_width", "3"),
    ]

    private func values(_ asked: InferRequest) -> String {
        let prediction = asked.prediction
        return "\(prediction.options) \(prediction.timeout as Any) \(prediction.lineWidth)"
    }

    @Test(arguments: numbers) func aNumberMayBeAString(name: String, text: String) throws {
        let mode = #""mask_decode_mode":"tradeoff""#
        let plain = try values(request(#"\#(mode),"\#(name)":\#(text)"#))
        #expect(try plain != values(request(mode)))
        for spelling in ["\"\(text)\"", "\" \(text) \"", "\"+\(text)\"", "\"\(text)e0\""] {
            #expect(try values(request(#"\#(mode),"\#(name)":\#(spelling)"#)) == plain, "\(spelling)")
        }
        #expect(try values(request(#"\#(mode),"\#(name)":null"#)) == values(request(mode)))
    }

    @Test(arguments: numbers) func anythingElseIsRefusedWithTheNameOfTheField(name: String, text: String) {
        for wrong in [
            #""""#, #"" ""#, #""abc""#, #""nan""#, #""inf""#, #""0x10""#, #""1e999""#, #""\#(text) ms""#, "true", "[]",
            "{}",
            "[\(text)]",
        ] {
            #expect { try request(#""\#(name)":\#(wrong)"#) } throws: { error in
                guard case .invalidParameter(let parameter) = error as? RequestError else { return false }
                return parameter.name == name && parameter.location == "body"
            }
        }
    }

    @Test(arguments: ["max_detections", "visualization_stroke_width"]) func wholeNumbersHaveNoFraction(name: String)
        throws
    {
        #expect(try values(request(#""\#(name)":"7.0""#)) == values(request(#""\#(name)":7"#)))
        for wrong in ["2.5", #""2.5""#, "1e300", #""1e300""#] {
            #expect(throws: RequestError.self) { try request(#""\#(name)":\#(wrong)"#) }
        }
    }

    @Test func booleansMayBeWordsAndNumbers() throws {
        for yes in ["true", "1", "1.0", #""true""#, #""True""#, #""1""#, #"" yes ""#] {
            #expect(try request(#""class_agnostic_nms":\#(yes)"#).prediction.options.isClassAgnostic)
        }
        for no in ["false", "0", #""false""#, #""0""#, "null"] {
            #expect(try !request(#""class_agnostic_nms":\#(no)"#).prediction.options.isClassAgnostic)
        }
        for wrong in ["2", #""maybe""#, #""""#, "[]"] {
            #expect(throws: RequestError.self) { try request(#""class_agnostic_nms":\#(wrong)"#) }
        }
    }

    @Test func confidenceMayBeAWord() throws {
        for word in ["best", "default"] {
            #expect(try request(#""confidence":"\#(word)""#).prediction.usesRecommendedThresholds)
        }
        #expect(try !request(#""confidence":"0.7""#).prediction.usesRecommendedThresholds)
    }
}
