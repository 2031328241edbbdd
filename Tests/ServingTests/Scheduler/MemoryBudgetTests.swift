import Serving
import Synchronization
import Testing

private let mebibyte = 1 << 20

@Suite struct MemoryBudgetTests {
    private let budget = MemoryBudget(limits: MemoryLimits(total: 16 * mebibyte))

    @Test func limitsKeepMemoryForImages() {
        for total in [Int.min, 0, mebibyte, 7 * mebibyte, 1 << 40, .max] {
            for share in [Int.min, 0, 1, mebibyte, .max] {
                let limits = MemoryLimits(total: total, strangerBodies: share, bodies: share, images: share)
                for share in MemoryShare.allCases { #expect(limits[share] > 0 && limits[share] <= limits.total) }
                #expect(limits.largestImages > 0 && limits.largestImages <= limits.images)
                #expect(limits.largestImages <= limits.total - limits.bodies - limits.strangerBodies)
            }
        }
    }

    @Test func aShareHasItsOwnMaximumInsideTheTotal() {
        #expect(budget.reserve(mebibyte, of: .strangerBodies))
        #expect(!budget.reserve(1, of: .strangerBodies), "a sixteenth")
        #expect(budget.reserve(4 * mebibyte, of: .bodies))
        #expect(!budget.reserve(1, of: .bodies), "a quarter")
        #expect(budget.available(of: .images) == 11 * mebibyte)
        #expect(!budget.reserve(11 * mebibyte + 1, of: .images))
        #expect(budget.reserve(11 * mebibyte, of: .images))
        #expect(budget.usage.total == 16 * mebibyte && budget.usage[.bodies] == 4 * mebibyte)
        budget.release(mebibyte, of: .strangerBodies)
        #expect(budget.reserve(mebibyte, of: .images))
        #expect(!budget.reserve(1, of: .strangerBodies), "the total is in use")
    }

    @Test func numbersWithoutSenseReserveNothing() {
        for bytes in [-1, .min, .max] {
            for share in MemoryShare.allCases { #expect(!budget.reserve(bytes, of: share)) }
        }
        #expect(budget.reserve(0, of: .bodies))
        budget.release(0, of: .bodies)
        budget.release(-5, of: .bodies)
        #expect(budget.usage == MemoryBudget(limits: budget.limits).usage)
    }

    @Test func releasesAreAnnouncedOnlyWhileImagesWait() {
        let calls = Mutex(0)
        budget.onRelease(for: .images) { calls.withLock { $0 += 1 } }
        #expect(budget.reserve(100, of: .bodies) && budget.reserve(15 * mebibyte, of: .images))
        budget.release(10, of: .bodies)
        #expect(calls.withLock(\.self) == 0)
        #expect(!budget.reserve(mebibyte, of: .images))
        budget.release(10, of: .images, exceptFor: [.images])
        #expect(calls.withLock(\.self) == 0, "the caller sees to images itself")
        budget.release(10, of: .bodies)
        budget.release(10, of: .bodies)
        #expect(calls.withLock(\.self) == 1)
    }

    @Test func concurrentReservationsLeaveNothingBehind() async {
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for step in 0..<200 {
                        let bytes = 50_000 * (1 + (worker + step) % 4)
                        let share: MemoryShare = step % 2 == 0 ? .bodies : .strangerBodies
                        guard budget.reserve(bytes, of: share) else { continue }
                        #expect(budget.usage.total <= budget.limits.total)
                        budget.release(bytes, of: share)
                    }
                }
            }
        }
        #expect(budget.usage.total == 0 && budget.available(of: .images) == budget.limits.total)
    }
}
