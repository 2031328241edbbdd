// Usage: swift segment.swift PICTURE|ADDRESS   (or: swiftc segment.swift && ./segment PICTURE)
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

struct Answer: Decodable {
    struct Point: Decodable { let x, y: Double }
    struct Prediction: Decodable {
        let `class`: String
        let confidence, x, y, width, height: Double
        let points: [Point]
    }
    let predictions: [Prediction]
}

let environment = ProcessInfo.processInfo.environment
let server = environment["SILHOUETTE_URL"] ?? "http://127.0.0.1:9001"
let model = environment["SILHOUETTE_MODEL"] ?? "tabletop/1"
let picture = CommandLine.arguments[1]
let isAddress = picture.hasPrefix("http://") || picture.hasPrefix("https://")

var address = URLComponents(string: "\(server)/\(model)")!
address.queryItems = [URLQueryItem(name: "api_key", value: environment["SILHOUETTE_API_KEY"])]
if isAddress { address.queryItems?.append(URLQueryItem(name: "image", value: picture)) }

var request = URLRequest(url: address.url!)
request.httpMethod = "POST"
if !isAddress {
    request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
    request.httpBody = try Data(contentsOf: URL(fileURLWithPath: picture)).base64EncodedData()
}

let (data, response) = try await URLSession.shared.data(for: request)
guard (response as? HTTPURLResponse)?.statusCode == 200 else {
    fatalError(String(decoding: data, as: UTF8.self))
}
for found in try JSONDecoder().decode(Answer.self, from: data).predictions {
    let share = Int((found.confidence * 100).rounded())
    print("\(found.class)  \(share)%  at \(found.x),\(found.y)  \(found.width)x\(found.height)  \(found.points.count) points")
}
