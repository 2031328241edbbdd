import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

struct Answer: Decodable { let state: String }

var request = URLRequest(url: URL(string: CommandLine.arguments[1])!)
request.httpMethod = "POST"
request.httpBody = Data("text".utf8).base64EncodedData()
let (data, _) = try await URLSession.shared.data(for: request)
print(try JSONDecoder().decode(Answer.self, from: data).state)
