import Hummingbird

/// The rest of the chain, as a middleware calls it.
typealias NextResponder = (Request, ServerContext) async throws -> Response

/// A chain of middlewares around a responder. The first one sees a request first and its response last.
struct MiddlewareChain: HTTPResponder {
    typealias Middleware = any MiddlewareProtocol<Request, Response, ServerContext>

    private let first: any HTTPResponder<ServerContext>

    init(_ middlewares: [Middleware], around responder: any HTTPResponder<ServerContext>) {
        first = middlewares.reversed().reduce(responder) { MiddlewareLink(middleware: $1, next: $0) }
    }

    func respond(to request: Request, context: ServerContext) async throws -> Response {
        try await first.respond(to: request, context: context)
    }
}

private struct MiddlewareLink: HTTPResponder {
    let middleware: MiddlewareChain.Middleware
    let next: any HTTPResponder<ServerContext>

    func respond(to request: Request, context: ServerContext) async throws -> Response {
        try await middleware.handle(request, context: context) { try await next.respond(to: $0, context: $1) }
    }
}
