import Foundation
import HostedAPI
import Testing

@Suite("Answers of the hosted API as values") struct InferenceAnswerTests {
    @Test func answerOfTheDocumentIsRead() throws {
        let json = """
            {"time":0.09,"image":{"width":960,"height":480},"predictions":[{"x":289.5,"y":216,"width":119,"height":88,\
            "confidence":0.91,"class":"dog","class_id":3,"points":[{"x":230.1,"y":172},{"x":349,"y":260.5}]}]}
            """
        let answer = try JSONDecoder().decode(InferenceAnswer.self, from: Data(json.utf8))
        #expect(answer.inferenceID == nil)
        #expect(answer.image == InferenceAnswer.ImageSize(width: 960, height: 480))
        #expect(answer.predictions.map(\.className) == ["dog"])
        #expect(answer.predictions[0].points == [.init(x: 230.1, y: 172), .init(x: 349, y: 260.5)])
    }

    @Test func answersSurviveEncodingAndDecoding() throws {
        let prediction = InstancePrediction(
            x: 1.5, y: 2, width: 3, height: 4, confidence: 0.5, className: "ü\"", classID: 7, detectionID: "d",
            rle: .init(size: [4, 3], counts: "04L0"), maskFormat: "rle")
        let answer = InferenceAnswer(
            inferenceID: "i", time: 0.25, image: .init(width: 3, height: 4), predictions: [prediction],
            visualization: "/9j/")
        #expect(
            try JSONDecoder().decode(InferenceAnswer.self, from: JSONEncoder().encode(answer)) == answer)
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(answer)) as? [String: Any]
        #expect(object?["inference_id"] as? String == "i")
        let first = (object?["predictions"] as? [[String: Any]])?.first
        #expect(first?["class_id"] as? Int == 7 && first?["mask_format"] as? String == "rle")
    }

    @Test(arguments: [
        (40, 0.4), (0.4, 0.4), (1, 0.01), (100, 1), (0, 0), (250, 1), (-3, 0), (.infinity, 1), (.nan, 0),
    ])
    func sharesArePerCentFromOneUp(value: Double, share: Double) {
        #expect(Double(percentOrFraction: value) == share)
    }
}
