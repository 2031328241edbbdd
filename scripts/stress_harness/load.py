"""Phases of too much work: leavers, halfclose, overload."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections import Counter

from stress_harness.client import Request, Samples, ask_for, counts, megabytes, milliseconds
from stress_harness.context import Context
from stress_harness.peer import Outcome, Plan, post
from stress_harness.server import Server
from stress_harness.swarm import Swarm

MOST_A_SECOND = 500.0
"""Connections a second; more would use up the ports of this machine."""
MOST_OPEN = 512
_INFERENCES = re.compile(r'^silhouette_stage_(?:duration_)?seconds_count\{[^}]*stage="infer[^}]*\} (\d+)', re.MULTILINE)


def cores() -> int:
    """Cores of the machine."""
    return os.cpu_count() or 1


def capacity(context: Context, server: Server, seconds: float, callers: int = 8) -> float:
    """Answers a second that as many callers as that get."""
    path, image = context.honest(server.key).path, context.image
    plan = Plan(opening=post(path, len(image)) + image, again_after=0.0)
    with Swarm(server.port, [plan] * callers) as swarm:
        time.sleep(0.3)
        begin, start = _answered(swarm.outcomes), time.monotonic()
        time.sleep(seconds)
        return max(0.5, (_answered(swarm.outcomes) - begin) / (time.monotonic() - start))


def _answered(outcomes: list[Outcome]) -> int:
    return sum(outcome.status == 200 for outcome in list(outcomes))


def inferences(server: Server) -> int | None:
    """Inferences that were done, from the metrics; None if they do not say it."""
    text = server.ask(Request("GET", "/metrics"), limit=10).body.decode(errors="replace")
    counts = [int(count) for count in _INFERENCES.findall(text)]
    return sum(counts) if counts else None


def leavers(context: Context) -> None:
    """4 x overload by clients that close after 100 ms."""
    with context.server() as server:
        before = context.baseline(server, 0.15)
        most = capacity(context, server, max(1.0, context.seconds * 0.15))
        body = context.image
        opening = post(context.honest(server.make_key()).path, len(body)) + body
        rate = min(MOST_A_SECOND, 4 * most)
        plan = Plan(opening=opening, leaves_after=0.1)
        counted = inferences(server) or 0
        with Swarm(server.port, [plan], rate=rate, most_open=MOST_OPEN) as swarm:
            during = ask_for(server.port, context.honest(server.key), max(1.5, context.left() * 0.7 - 2))
            swarm.open_no_more()
            time.sleep(0.15)
        at_end = inferences(server)
        _wait_until_quiet(server, max(2.0, context.left(), 60 / most))
        after = inferences(server)
        server.require_alive()
        _report_leavers(context, swarm, (counted, at_end, after), (before, during), rate)


def _wait_until_quiet(server: Server, seconds: float) -> None:
    """Waits until the server uses next to no processor time."""
    deadline = time.monotonic() + min(seconds, 15)
    while time.monotonic() < deadline:
        used = server.processor_seconds()
        time.sleep(0.3)
        if server.processor_seconds() - used < 0.03:
            return


def _report_leavers(
    context: Context,
    swarm: Swarm,
    done: tuple[int, int | None, int | None],
    samples: tuple[Samples, Samples],
    rate: float,
) -> None:
    first, at_end, after = done
    before, during = samples
    promise = "after the last one left: inferences for the dead"
    limit = f"{cores()}, one each core"
    if at_end is None or after is None:
        context.report.check(promise, "the metrics do not count inferences", limit, False)
    else:
        answered = _answered(swarm.outcomes) + during.answered
        dead = after - at_end
        context.report.check(promise, f"{dead} after {swarm.opened} leavers", limit, dead <= cores())
        context.report.show(
            f"leavers at {rate:.0f}/s for {during.lasted:.0f} s: inferences, answers",
            f"{after - first} inferences, {answered} answers read; {counts(swarm.statuses())}",
        )
    least = before.rate * 0.2
    measured = f"{during.rate:.1f}/s, {during.text()} (before: {before.rate:.1f}/s of {before.answered})"
    context.report.check("leavers: an honest client with another key", measured, f"{least:.1f}/s", during.rate >= least)


def halfclose(context: Context) -> None:
    """Clients that shut down their sending half wait for their answers."""
    with context.server() as server:
        before = context.baseline(server)
        statuses: Counter[str] = Counter()
        deadline = time.monotonic() + context.left(1.5)
        while time.monotonic() < deadline:
            for connection in [_half_closed(context, server) for _ in range(6)]:
                statuses[_status(connection)] += 1
        server.require_alive()
        context.report.check(
            "a client that closes only its sending half gets its answer, 6 at once",
            f"{counts(statuses)} (one alone: {milliseconds(before.median)} of {before.answered})",
            "200, all",
            set(statuses) == {"200"},
        )


def _half_closed(context: Context, server: Server) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    with contextlib.suppress(OSError):  # what went wrong shows when the answer is read
        connection.sendall(post(context.honest(server.key).path, len(context.image)) + context.image)
        connection.shutdown(socket.SHUT_WR)
    return connection


def _status(connection: socket.socket) -> str:
    """The status of the final response; interim ones (1xx) come before it."""
    head = b""
    with connection:
        try:
            while piece := connection.recv(4096):
                head += piece
                while head.startswith(b"HTTP/1.1 1") and b"\r\n\r\n" in head:
                    head = head.split(b"\r\n\r\n", 1)[1]
                if b"\r\n" in head and not head.startswith(b"HTTP/1.1 1"):
                    break
        except OSError as error:
            return type(error).__name__
    words = head.split(maxsplit=2)
    return words[1].decode() if len(words) > 1 else "closed"


def overload(context: Context) -> None:
    """10 x the capacity, then one key's flood against another's single connection."""
    with context.server() as server:
        context.baseline(server, 0.05)
        _report_overload(context, server, context.seconds * 0.2, context.seconds * 0.35)
    with context.server() as server:
        context.baseline(server, 0.05)
        _report_fairness(context, server)


def _report_overload(context: Context, server: Server, measure: float, flood: float) -> None:
    most = capacity(context, server, max(1.0, measure))
    rate = min(MOST_A_SECOND, 10 * most)
    opening = post(context.honest(server.key).path, len(context.image)) + context.image
    resident = server.reset_peak()
    with Swarm(server.port, [Plan(opening=opening)], rate=rate, most_open=MOST_OPEN) as swarm:
        time.sleep(1.0)
        begin, start = _answered(swarm.outcomes), time.monotonic()
        time.sleep(max(2.0, flood))
        goodput = (_answered(swarm.outcomes) - begin) / (time.monotonic() - start)
    server.require_alive()
    name = f"overload, {rate / most:.0f} x"
    ends = counts(swarm.statuses())
    measured = f"{goodput:.1f}/s of {most:.1f}/s ({goodput / most:.2f}); {swarm.opened} requests, {ends}"
    context.report.check(f"{name}: goodput", measured, f"{0.8 * most:.1f}/s", goodput >= 0.8 * most)
    ended = [o for o in swarm.outcomes if o.how != "open at the end" and o.status != 200]
    good = [o for o in ended if o.status in (429, 503) and o.retry_after]
    measured = f"{len(good)} of {len(ended)} with 429 or 503 and Retry-After"
    context.report.check(f"{name}: refusals say when to come back", measured, "all", len(good) == len(ended))
    growth = server.peak - resident
    context.report.check(f"{name}: memory", f"+{megabytes(growth)}", "+500 MB", growth < 500e6)


def _report_fairness(context: Context, server: Server) -> None:
    most = capacity(context, server, 1.0)
    slots = cores()
    limit = (slots + 2) * slots / most
    path = context.honest(server.key).path
    plan = Plan(opening=post(path, len(context.image)) + context.image, again_after=0.1)
    other = context.honest(server.make_key())
    with Swarm(server.port, [plan] * 64) as swarm:
        time.sleep(0.5)
        during = ask_for(server.port, other, context.left(2.0), limit=10)
        flood = counts(swarm.statuses())
    server.require_alive()
    context.report.check(
        "fairness: key A floods on 64 connections, key B asks on one",
        f"B: {during.text()}; A: {flood}",
        f"median {milliseconds(limit)} (slots + 2, times {milliseconds(slots / most)}), none failed",
        during.median <= limit and during.failed == 0,
    )
