/// A head that is refused before it becomes a request: it is too large, or there is no memory for it.
struct RefusedHeadError: Error {
    /// What the client is told.
    let cause: any Error
}
