"""Phases about what one request may cost: list, tiles, store."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import sqlite3
import threading
import time

from stress_harness.client import Answer, Caller, Request, Samples, ask_for, milliseconds
from stress_harness.context import Context
from stress_harness.images import pixel_image, scene_image
from stress_harness.peer import post
from stress_harness.server import Server

INFER = "/infer/instance_segmentation"
QUOTA = 30
LIST = 20
TILES = "&tile=640&tile_overlap=75"
MANY_OBJECTS = "&confidence=1&overlap=100"
"""Hundreds of objects in each tile, none of which suppresses another: all must be merged."""
LONG = 40.0
"""Seconds of the phase from which on an image of 257 tiles is finished, too."""


def _list_request(model: str, key: str, count: int) -> Request:
    image = {"type": "base64", "value": base64.b64encode(pixel_image()).decode()}
    parts = {"model_id": model, "api_key": key, "image": [image] * count}
    return Request("POST", INFER, json.dumps(parts, separators=(",", ":")).encode(), "application/json")


def _images_answered(answer: Answer) -> int:
    if answer.status != 200:
        return 0
    with contextlib.suppress(ValueError):
        parsed = json.loads(answer.body)
        return len(parsed) if isinstance(parsed, list) else 1
    return 0


def list_of_images(context: Context) -> None:
    """A list has a maximum, and each of its images spends quota."""
    with context.server(*context.having("--max-images", str(LIST))) as server:
        key = server.make_key(QUOTA)
        lists = [server.ask(_list_request(context.model, key, LIST), limit=30) for _ in range(3)]
        images = sum(map(_images_answered, lists))
        singles = 0
        for _ in range(2 * QUOTA):
            answer = server.ask(context.honest(key))
            if answer.status != 200:
                break
            singles += 1
        statuses = ", ".join(str(answer.status) for answer in lists)
        measured = f"{images} in lists ({statuses}), {singles} alone, then {answer.status}"
        context.report.check(
            f"3 lists of {LIST} on a quota of {QUOTA}: images answered", measured, f"{QUOTA} in all, then 402",
            images + singles == QUOTA and answer.status == 402,
        )  # fmt: skip
        for count in (LIST + 1, 3_000, 270_000):
            _check_refused(context, server, count)
        server.require_alive()


def _check_refused(context: Context, server: Server, count: int) -> None:
    if count == LIST + 1 and "--max-images" not in context.options:
        context.report.show(f"a list of {count} images is refused", "this program has no --max-images", "")
        return
    request = _list_request(context.model, server.key, count)
    resident = server.reset_peak()
    answer = server.ask(request, limit=4)
    growth = (server.peak - resident) / 1e6
    measured = f"{answer.status or 'no answer'} after {milliseconds(answer.seconds)}, +{growth:.0f} MB"
    size = len(request.body or b"") / 1e6
    good = answer.status is not None and 400 <= answer.status < 500 and answer.seconds <= 2
    context.report.check(f"a list of {count} images ({size:.1f} MB) is refused", measured, "4xx within 2 s", good)


def tiles(context: Context) -> None:
    """Tiles of large images end in bounded time, and at once when their client leaves."""
    large = scene_image(3040)
    with context.server() as server:
        service = context.baseline(server, 0.1).median
        _check_leaving(context, server, Request("POST", context.honest(server.key, TILES).path, large, "image/png"))
    sides = [1600, 4000] + ([3040] if context.seconds >= LONG else [])
    for side in sides:
        with context.server() as server:
            path = context.honest(server.key, TILES + MANY_OBJECTS).path
            request = Request("POST", path, large if side == 3040 else scene_image(side), "image/png")
            _check_tiled(context, server, request, side, service)


def _check_tiled(context: Context, server: Server, request: Request, side: int, service: float) -> None:
    count = ((side - 640) // 160 + 1) ** 2 + 1
    limit = count * service * 3 + 5
    answer = server.ask(request, limit=min(limit + 1, context.left() + 30))
    server.require_alive()
    promise = f"{side}x{side}, tile 640, overlap 75 %, most objects: finishes or is refused"
    found = answer.body.count(b'"detection_id"')
    measured = f"{answer.status or 'no answer'} after {answer.seconds:.1f} s, {found} objects"
    if answer.status is None and answer.seconds < limit:
        context.report.show(promise, measured + "; the run is too short to judge", f"{limit:.0f} s ({count} tiles)")
    else:
        good = answer.status is not None and answer.seconds <= limit
        context.report.check(promise, measured, f"{limit:.0f} s ({count} tiles)", good)


def _check_leaving(context: Context, server: Server, request: Request) -> None:
    """The client leaves after a second; two seconds later the processor must be idle."""
    promise = "257 tiles: processor 2 s after the client left"
    body = request.body or b""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    with connection:
        connection.sendall(post(request.path, len(body), request.content_type) + body)
        time.sleep(1.0)
        connection.settimeout(0.01)
        with contextlib.suppress(OSError):
            if connection.recv(64):
                context.report.show(promise, "it was answered before that")
                return
    time.sleep(2.0)
    used, start = server.processor_seconds(), time.monotonic()
    time.sleep(0.5)
    load = (server.processor_seconds() - used) / (time.monotonic() - start)
    server.require_alive()
    context.report.check(promise, f"{load:.2f} cores", "0.2 cores", load < 0.2)


def store(context: Context) -> None:
    """Another process holds a write transaction on the key database."""
    with context.server() as server:
        limited = server.make_key(1_000_000)
        before = context.baseline(server)
        ask_for(server.port, context.honest(limited), 0.2)
        database = sqlite3.connect(server.state / "silhouette.sqlite", timeout=5, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            during, quota = _ask_both(context, server, limited)
        finally:
            database.close()
        after = server.ask(context.honest(limited))
        server.require_alive()
    context.check_unaffected("held key store: keys without a quota as before", before, during)
    slowest = max((answer.seconds for answer in quota), default=0.0)
    refused = sum(answer.status == 503 for answer in quota)
    kinds = sorted({str(answer.status or "no answer") for answer in quota})
    context.report.check(
        "held key store: keys with a quota get 503",
        f"{refused} of {len(quota)} ({', '.join(kinds)}), slowest {slowest:.1f} s; {after.status} once it is free",
        "all, within 2 s; then 200",
        refused == len(quota) > 0 and slowest <= 2 and after.status == 200,
    )


def _ask_both(context: Context, server: Server, limited: str) -> tuple[Samples, list[Answer]]:
    """Honest samples of a key without a quota, while four callers with one ask again and again."""
    answers: list[Answer] = []
    stopped = threading.Event()

    def call() -> None:
        with Caller(server.port, 10) as caller:
            while not stopped.is_set() and len(answers) < 100_000:
                answers.append(caller.ask(context.honest(limited)))
                stopped.wait(0.1)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    during = ask_for(server.port, context.honest(server.key), context.left(1.5), limit=10)
    stopped.set()
    for thread in threads:
        thread.join(12)
    return during, answers
