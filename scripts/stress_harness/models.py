"""Phases about models: loading, listing, reload."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import threading
import time
from collections import Counter

from stress_harness.client import (
    Answer,
    Caller,
    Calls,
    Request,
    Samples,
    Ticker,
    counts,
    megabytes,
    milliseconds,
    share,
)
from stress_harness.context import HEALTH, Context
from stress_harness.images import grey_image
from stress_harness.server import Server

COLD = 5
LISTED = 20
_NAMES = b"{0: 'coin', 1: 'die', 2: 'bolt', 3: 'pen'}"


def cold_models(context: Context) -> list[tuple[pathlib.Path, str]]:
    """Five models to load: the largest of the others in the folder, and copies of the default one."""
    default = context.models / context.model
    others = [file.parent for file in context.models.glob("*/*/*.onnx") if file.parent != default]
    others.sort(key=lambda folder: -sum(file.stat().st_size for file in folder.glob("*.onnx")))
    sources = (others + [default] * COLD)[:COLD]
    return [(source, f"cold{i}") for i, source in enumerate(sources)]


def loading(context: Context) -> None:
    """Five cold models are loaded while three images of 100 megapixels are decoded."""
    dataset = context.model.split("/")[0]
    folder = context.folder_of_models("loading", [(context.models / context.model, dataset), *cold_models(context)])
    model, large = f"{dataset}/1", grey_image(10_000)
    quiet, busy = Samples(), Samples()
    statuses: Counter[str] = Counter()
    slowest, rounds = 0.0, 0
    while rounds == 0 or (context.left() > 2 * slowest and context.left() > 2):
        with context.server(models=folder, preload=model) as server:
            with Ticker(server.port, HEALTH) as ticker:
                time.sleep(0.5)
            _merge(quiet, ticker.samples)
            start = time.monotonic()
            with Ticker(server.port, HEALTH) as ticker:
                answers = Calls(server.port, _loads(context, server, model, large), 30).wait()
            slowest = max(slowest, time.monotonic() - start)
            _merge(busy, ticker.samples)
            statuses.update(f"image {a.status}" for a in answers[COLD:])
            statuses.update(f"model {a.status}" for a in answers[:COLD])
            server.require_alive()
        rounds += 1
    held = share(busy.seconds, 0.99) <= 0.05 and busy.failed == 0
    measured = f"{busy.text()} (before: {quiet.text()})"
    promise = "five cold models, three 100-megapixel images: health"
    context.report.check(promise, measured, "p99 50 ms, none failed", held)
    context.report.show(
        f"loading, {rounds} rounds of at most {slowest:.1f} s: answers",
        counts(statuses),
    )


def _loads(context: Context, server: Server, model: str, large: bytes) -> list[Request]:
    query = f"?api_key={server.key}"
    cold = [Request("POST", f"/cold{i}/1{query}", context.image, "image/jpeg") for i in range(COLD)]
    return cold + [Request("POST", f"/{model}{query}", large, "image/png")] * 3


def _merge(all_samples: Samples, more: Samples) -> None:
    all_samples.seconds += more.seconds
    all_samples.failures += more.failures


def listing(context: Context) -> None:
    """The models of a folder are listed without being loaded."""
    default = context.models / context.model
    dataset = context.model.split("/")[0]
    copies = [(default, f"{dataset}{i}") for i in range(LISTED)]
    folder = context.folder_of_models("listing", copies)
    for path, name in (("/some-workspace", "GET /{workspace}"), ("/model/registry", "GET /model/registry")):
        with context.server(models=folder, preload="none") as server:
            time.sleep(0.3)
            resident = server.reset_peak()
            answer = server.ask(Request("GET", f"{path}?api_key={server.key}"), limit=30)
            time.sleep(0.1)
            growth = max(server.peak, server.resident()) - resident
            server.require_alive()
        found = answer.body.count(dataset.encode())
        measured = f"{answer.status} in {milliseconds(answer.seconds)}, names them {found} times"
        good = answer.status == 200 and found >= LISTED
        context.report.check(f"{name} of {LISTED} models: time", measured, "200 ms", good and answer.seconds <= 0.2)
        context.report.check(f"{name}: memory", f"+{megabytes(growth)}", "+50 MB", good and growth < 50e6)


class Watcher:
    """Asks on two connections without a pause and notes which names of classes the answers had, and when."""

    def __init__(self, server: Server, request: Request) -> None:
        self.failures: Counter[str] = Counter()
        self.mixed = 0
        self.count = 0
        self.seen: dict[str, float] = {}
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(server.port, request), daemon=True) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def _run(self, port: int, request: Request) -> None:
        with Caller(port) as caller:
            while not self._stopped.is_set():
                self._note(caller.ask(request))

    def _note(self, answer: Answer) -> None:
        names: set[str] = set()
        if answer.status == 200:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                names = {prediction["class"] for prediction in json.loads(answer.body)["predictions"]}
        with self._lock:
            self.count += 1
            if answer.status != 200:
                self.failures[str(answer.status or "no answer")] += 1
            kinds = {"upper" if name.isupper() else "lower" for name in names}
            self.mixed += len(kinds) > 1
            for kind in kinds:
                self.seen[kind] = time.monotonic()
        if answer.status != 200:
            time.sleep(0.05)

    def wait_for(self, kind: str, seconds: float) -> float | None:
        """Seconds until the first answer with such names; None if there is none in time."""
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            if self.seen.get(kind, 0.0) > start:
                return self.seen[kind] - start
            time.sleep(0.02)
        return None

    def stop(self) -> None:
        """Ends after the requests in flight."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)


def _replace(file: pathlib.Path, content: bytes) -> None:
    """Writes beside the file and renames."""
    fresh = file.with_name(file.name + ".part")
    fresh.write_bytes(content)
    os.replace(fresh, file)


def reload(context: Context) -> None:
    """Files of a model are replaced while requests run."""
    if "--watch" not in context.options:
        context.report.show("replaced model files are served within 5 s", "this program has no --watch", "5 s")
        return
    dataset = context.model.split("/")[0]
    folder = context.folder_of_models("reload", [(context.models / context.model, dataset)])
    file = folder / dataset / "1" / "model.onnx"
    lower = file.read_bytes()
    if _NAMES not in lower:
        context.report.show("replaced model files are served within 5 s", "needs the project's default model", "5 s")
        return
    upper = lower.replace(_NAMES, _NAMES.upper())
    with context.server("--watch", "on", models=folder) as server:
        request = Request("POST", f"/{dataset}/1?api_key={server.key}", context.image, "image/jpeg")
        watcher = Watcher(server, request)
        try:
            contents = [("upper", upper), ("lower", lower)]
            times = _swap(context, watcher, file, contents)
            _replace(file, b"not a model")
            time.sleep(max(2.0, context.left() * 0.5))
            still = watcher.wait_for(contents[(len(times) - 1) % 2][0], 2)
            kind, content = contents[len(times) % 2]
            _replace(file, content)
            mended = watcher.wait_for(kind, 10)
            _check_versions(context, server, folder / dataset, request)
        finally:
            watcher.stop()
        server.require_alive()
    _report_reload(context, watcher, times, still, mended)


def _swap(context: Context, watcher: Watcher, file: pathlib.Path, contents: list[tuple[str, bytes]]) -> list[float]:
    """Replaces the file in turn, at least once each; seconds until each was served, infinite if it was not."""
    times: list[float] = []
    while len(times) < 2 or (context.left() > context.seconds * 0.5 and len(times) < 20):
        kind, content = contents[len(times) % 2]
        _replace(file, content)
        waited = watcher.wait_for(kind, 10)
        times.append(float("inf") if waited is None else waited)
        if waited is None:
            break
        time.sleep(0.5)
    return times


def _check_versions(context: Context, server: Server, folder: pathlib.Path, request: Request) -> None:
    """A version that is added is served, and one that is removed is not, both within seconds."""
    request = request._replace(path=request.path.replace("/1?", "/2?"))
    shutil.copytree(folder / "1", folder / "2")
    added = _seconds_until(server, request, {200})
    os.rename(folder / "2", folder.parent / ".removed")
    removed = _seconds_until(server, request, {403, 404})
    shutil.rmtree(folder.parent / ".removed")
    text = ", ".join("never" if t == float("inf") else f"{t:.1f} s" for t in (added, removed))
    context.report.check("a version is added, then removed", f"after {text}", "5 s each", max(added, removed) <= 5)


def _seconds_until(server: Server, request: Request, statuses: set[int]) -> float:
    """Seconds until a request is answered with one of the statuses; infinite after ten."""
    start = time.monotonic()
    while time.monotonic() - start < 10:
        if server.ask(request).status in statuses:
            return time.monotonic() - start
        time.sleep(0.1)
    return float("inf")


def _report_reload(
    context: Context, watcher: Watcher, times: list[float], still: float | None, mended: float | None
) -> None:
    text = ", ".join("never" if t == float("inf") else f"{t:.1f} s" for t in times)
    context.report.check("replaced model files are served", f"after {text}", "5 s each", max(times) <= 5)
    failed = sum(watcher.failures.values())
    kinds = f" ({counts(watcher.failures)})" if failed else ""
    measured = f"{watcher.count} answers, {failed} failed{kinds}, {watcher.mixed} mixed"
    good = not watcher.failures and watcher.mixed == 0
    context.report.check("reload: no failed and no mixed answer", measured, "none", good)
    measured = (
        ("served" if still is not None else "not served")
        + ", mended file "
        + ("never served" if mended is None else f"served after {mended:.1f} s")
    )
    context.report.check(
        "a broken file leaves the old one serving; the next good one is taken", measured, "served; 5 s",
        still is not None and mended is not None and mended <= 5,
    )  # fmt: skip
