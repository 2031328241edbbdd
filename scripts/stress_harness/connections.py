"""Phases in which strangers hold connections: drip, unread, bodies, descriptors, idle."""

from __future__ import annotations

import pathlib
import resource
import time

from stress_harness.client import Ticker, ask_for, counts, megabytes, milliseconds, share
from stress_harness.context import HEALTH, Context
from stress_harness.peer import Plan, post
from stress_harness.streams import STREAMS, StreamDrip
from stress_harness.swarm import Swarm

BODY = 32 << 20
DRIPS = 200
INFER = "/infer/instance_segmentation"
CERTIFICATE = pathlib.Path(__file__).parents[2] / "Tests/TestSupport/Fixtures/tls-first.pem"


def drips(target: str) -> Plan:
    """A connection that sends a byte every two seconds, in a body or in a head."""
    if target == "heads":
        opening = b"POST /tabletop/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
    else:
        content = "application/json" if target == INFER else "application/x-www-form-urlencoded"
        opening = post(target, 1_000_000, content)
    return Plan(opening=opening, drip=2.0, again_after=1.0)


def drip(context: Context) -> None:
    """200 keyless connections send a byte every 2 s."""
    targets = [(f"/{context.model}", "bodies to a model"), ("heads", "heads"), (INFER, f"bodies to {INFER}")]
    for i, (target, name) in enumerate(targets):
        with context.server() as server:
            before = context.baseline(server, 0.06)
            with Swarm(server.port, [drips(target)] * DRIPS) as swarm:
                time.sleep(0.5)
                share_of_time = context.left() / (len(targets) + 1 - i) - 0.5
                during = ask_for(server.port, context.honest(server.key), max(1.0, share_of_time * 0.6))
                in_body = ask_for(server.port, context.honest_in_body(server.key), max(0.5, share_of_time * 0.4))
                held = swarm.established()
            server.require_alive()
            context.check_unaffected(f"drip, {DRIPS} x {name}: honest requests as before", before, during)
            context.check_unaffected(
                f"drip, {name}: honest requests with the key in the body", before, in_body, slack=0.04
            )
            context.report.show(f"drip, {name}: ends", f"{held} held at the end; {counts(swarm.statuses())}")
    _drip_in_streams(context)


def _drip_in_streams(context: Context) -> None:
    if not CERTIFICATE.is_file():
        context.report.show("drip, HTTP/2 streams: honest requests as before", "needs the certificate of the tests")
        return
    files = ["--tls-certificate", str(CERTIFICATE), "--tls-private-key", str(CERTIFICATE.with_suffix(".key"))]
    with context.server(*files) as server:
        before = context.baseline(server, 0.06)
        with StreamDrip(server.port, f"/{context.model}", DRIPS // STREAMS) as drip:
            time.sleep(0.5)
            during = ask_for(server.port, context.honest(server.key), context.left(1.0), tls=server.tls)
        server.require_alive()
        promise = f"drip, {DRIPS} x bodies in HTTP/2 streams: honest requests as before"
        context.check_unaffected(promise, before, during)
        context.report.show("drip, HTTP/2 streams: ends", counts(drip.ends) or "none")


def unread(context: Context) -> None:
    """200 keyless connections pipeline requests and never read an answer."""
    block = b"".join(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for path in ("/docs", "/openapi.json"))
    plan = Plan(block=block * 64, length=len(block) * 64 * 64, reads=False)
    with context.server(*context.having("--write-timeout", "3")) as server:
        before = context.baseline(server)
        resident = server.reset_peak()
        start = time.monotonic()
        with Swarm(server.port, [plan] * DRIPS) as swarm:
            during = ask_for(server.port, context.honest(server.key), context.left(1.5))
            lasted = time.monotonic() - start
            still = swarm.established()
        server.require_alive()
        context.check_unaffected("200 that never read: honest requests as before", before, during)
        growth = server.peak - resident
        context.report.check("200 that never read: memory", f"+{megabytes(growth)}", "+300 MB", growth < 300e6)
        measured = f"{still} of {swarm.opened} open after {lasted:.0f} s"
        if lasted >= 40 or "--write-timeout" in context.options:
            context.report.check("200 that never read are closed in the end", measured, "0 open", still == 0)
        else:
            context.report.show("200 that never read are closed in the end", measured, "0 open; judged from 40 s on")


def answers(context: Context) -> None:
    """100 connections with a key ask for large answers and never read them; another key asks for its own."""
    with context.server() as server:
        before = context.baseline(server)
        path = context.honest(server.make_key(), "&format=cutout&confidence=1&max_detections=300").path
        plan = Plan(opening=post(path, len(context.image)) + context.image, reads=False, again_after=1.0)
        resident = server.reset_peak()
        with Swarm(server.port, [plan] * 100) as swarm:
            time.sleep(1.0)
            during = ask_for(server.port, context.honest(server.key), context.left(2.0))
            opened = swarm.opened
        server.require_alive()
        growth = server.peak - resident
        # The hundred keep the machine busy as well: the other key's share of it is what counts.
        promise = "100 that ask for large answers and never read them: an honest request goes on"
        context.check_unaffected(promise, before, during, 8, 0.2)
        measured = f"+{megabytes(growth)}; {opened} connections"
        context.report.check("100 unread large answers: memory", measured, "+500 MB", growth < 500e6)


def costly_bodies(model: str) -> list[tuple[str, Plan]]:
    """Bodies of 32 MiB, in formats that cost much to parse."""
    part = b'--b\r\nContent-Disposition: form-data; name="file"; x="'
    return [
        ("form of a&", _body(f"/{model}", "application/x-www-form-urlencoded", b"", b"a&", b"")),
        ("multipart, huge part head", _body(f"/{model}", "multipart/form-data; boundary=b", part, b"a", b"\r\n--b--")),
        ("JSON numbers", _body(INFER, "application/json", b'{"model_id":"a/1","image":[1', b",1", b"]}")),
        ("JSON nesting", _body(INFER, "application/json", b'{"image":', b"[", b"")),
        ("base64-like text", _body(f"/{model}", "text/plain", b"", b"ABCD", b"")),
    ]


def _body(path: str, content_type: str, begin: bytes, unit: bytes, end: bytes) -> Plan:
    block = unit * (65_536 // len(unit))
    length = (BODY - len(begin) - len(end)) // len(unit) * len(unit)
    head = post(path, len(begin) + length + len(end), content_type)
    return Plan(opening=head + begin, block=block, length=length, closing=end, again_after=2.0)


def bodies(context: Context) -> None:
    """64 keyless bodies of 32 MiB at full speed."""
    kinds = costly_bodies(context.model)
    plans = [kinds[i % len(kinds)][1] for i in range(64)]
    with context.server() as server:
        before = context.baseline(server)
        resident = server.reset_peak()
        with Swarm(server.port, plans) as swarm:
            with Ticker(server.port, HEALTH) as ticker:
                during = ask_for(server.port, context.honest(server.key), max(1.5, context.left() * 0.6))
                in_body = ask_for(server.port, context.honest_in_body(server.key), context.left(1.5))
            swarm.open_no_more()
            _wait_until_closed(swarm, 10)
        server.require_alive()
        growth = server.peak - resident
        context.check_unaffected("64 keyless bodies of 32 MiB: honest requests go on", before, during, 3, 0.05)
        promise = "64 keyless bodies of 32 MiB: honest requests with the key in the body go on"
        context.check_unaffected(promise, before, in_body, 3, 0.3)
        health = share(ticker.samples.seconds, 0.99)
        is_quick = health <= 0.05 and ticker.samples.failed == 0
        context.report.check("64 bodies: health", ticker.samples.text(), "p99 50 ms, none failed", is_quick)
        context.report.check("64 bodies: memory", f"+{megabytes(growth)}", "+600 MB", growth < 600e6)
        _report_refusals(context, swarm, [name for name, _ in kinds])


def _wait_until_closed(swarm: Swarm, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while swarm.open_count and time.monotonic() < deadline:
        time.sleep(0.05)


def _report_refusals(context: Context, swarm: Swarm, names: list[str]) -> None:
    good = True
    texts = []
    for i, name in enumerate(names):
        ended = [outcome for outcome in swarm.outcomes if outcome.plan % len(names) == i]
        refused = [o for o in ended if o.status is not None and (400 <= o.status < 500 or o.status == 503)]
        good = good and len(refused) == len(ended) > 0
        counts = sorted({str(o.status or o.how) for o in ended})
        slowest = max((o.seconds for o in ended), default=0.0)
        texts.append(f"{name}: {len(refused)} of {len(ended)} ({', '.join(counts)}), slowest {slowest:.1f} s")
    context.report.check("64 bodies: each is refused", "; ".join(texts), "4xx or 503, all", good)


def _raise_own_limit(count: int) -> int:
    """Lets this program open so many descriptors, or as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def descriptors(context: Context) -> None:
    """300 idle connections to a server that may open 256 files."""
    with context.server(descriptors=256) as server:
        before = context.baseline(server)
        with Ticker(server.port, HEALTH, 0.1) as ticker, Swarm(server.port, [Plan()] * 300) as swarm:
            time.sleep(0.8)
            used, start = server.processor_seconds(), time.monotonic()
            time.sleep(max(2.0, context.left() * 0.3))
            load = (server.processor_seconds() - used) / (time.monotonic() - start)
            during = ask_for(server.port, context.honest(server.key), context.left(1.0))
            still = swarm.established()
        server.require_alive()
        context.report.check("out of descriptors: processor while idle", f"{load:.2f} cores", "0.2 cores", load < 0.2)
        kept = ticker.samples
        context.report.check("out of descriptors: kept connections work", kept.text(), "none failed", kept.failed == 0)
        context.report.check(
            "out of descriptors: an honest request is still answered",
            f"{during.text()} (before: {milliseconds(before.median)}); {still} of 300 idle ones open",
            "at least 1, none failed",
            during.failed == 0 < during.answered,
        )


def idle(context: Context) -> None:
    """2,000 connections that say nothing."""
    count = min(2000, _raise_own_limit(4096) - 200)
    with context.server() as server:
        before = context.baseline(server)
        resident = server.reset_peak()
        with Swarm(server.port, [Plan()] * count) as swarm:
            _wait_until_open(swarm, count)
            memory = (server.resident() - resident) / count
            during = ask_for(server.port, context.honest(server.key), context.left(1.0))
            still = swarm.established()
        server.require_alive()
        context.check_unaffected(f"{count} idle connections: honest requests as before", before, during)
        context.report.show("idle connections: memory of each", f"{memory / 1000:.1f} kB; {still} of {count} open")


def _wait_until_open(swarm: Swarm, count: int) -> None:
    deadline = time.monotonic() + 10
    while swarm.opened < count and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
