"""Honest callers: one request after the other, each timed."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self

ANSWER_LIMIT = 5.0
"""Seconds after which an honest caller counts a request as failed."""
MOST_SAMPLES = 100_000


class Request(NamedTuple):
    """What is sent."""

    method: str
    path: str
    body: bytes | None = None
    content_type: str = "application/octet-stream"


class Answer(NamedTuple):
    """What came back. `status` is None if nothing did: refused, closed, or too late."""

    status: int | None
    seconds: float
    body: bytes = b""
    retry_after: bool = False


class Caller:
    """A connection that is opened when it is needed and kept until it fails."""

    def __init__(self, port: int, limit: float = ANSWER_LIMIT, tls: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._tls = tls
        self.limit = limit
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None or self._connection.sock is None:
            if self._tls is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self.limit)
            else:
                self._connection = http.client.HTTPSConnection(
                    "127.0.0.1", self._port, timeout=self.limit, context=self._tls
                )
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection

    def ask(self, request: Request) -> Answer:
        """Sends a request and waits for its answer."""
        start = time.perf_counter()
        try:
            connection = self._connected()
            headers = {"Content-Type": request.content_type} if request.body is not None else {}
            connection.request(request.method, request.path, request.body, headers)
            response = connection.getresponse()
            body = response.read()
            has_retry = response.getheader("Retry-After") is not None
            return Answer(response.status, time.perf_counter() - start, body, has_retry)
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(None, time.perf_counter() - start)


def share(values: Sequence[float], part: float) -> float:
    """The value below which that part of the values is; infinite if there are none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else float("inf")


class Samples:
    """Timed answers. Bodies are not kept."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failures: Counter[str] = Counter()
        self.lasted = 0.0

    def add(self, answer: Answer, seconds: float | None = None) -> None:
        """Counts an answer; anything but 200 is a failure."""
        if answer.status == 200:
            if len(self.seconds) < MOST_SAMPLES:
                self.seconds.append(answer.seconds if seconds is None else seconds)
        else:
            self.failures[str(answer.status or "no answer")] += 1

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return sum(self.failures.values())

    @property
    def answered(self) -> int:
        """How many were answered with 200."""
        return len(self.seconds)

    @property
    def median(self) -> float:
        """Seconds; infinite if nothing was answered."""
        return statistics.median(self.seconds) if self.seconds else float("inf")

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.lasted if self.lasted else 0.0

    def text(self) -> str:
        """Count, median, p99 and what failed."""
        failures = counts(self.failures) or "none failed"
        if not self.seconds:
            return f"0 answered; {failures}"
        return (
            f"median {milliseconds(self.median)}, p99 {milliseconds(share(self.seconds, 0.99))}, "
            f"max {milliseconds(max(self.seconds))} of {len(self.seconds)}; {failures}"
        )


def counts(counter: Counter[str]) -> str:
    """How often each was seen, for people."""
    return ", ".join(f"{count} x {name}" for name, count in sorted(counter.items()))


def milliseconds(seconds: float) -> str:
    """A time for people."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def megabytes(count: float) -> str:
    """A size for people."""
    return f"{count / 1e6:.0f} MB"


def ask_for(
    port: int, request: Request, seconds: float, limit: float = ANSWER_LIMIT, tls: ssl.SSLContext | None = None
) -> Samples:
    """Sends the same request again and again, each time on a new connection."""
    samples, start = Samples(), time.perf_counter()
    with Caller(port, limit, tls) as caller:
        while samples.answered + samples.failed == 0 or time.perf_counter() - start < seconds:
            answer = caller.ask(request)
            samples.add(answer)
            if answer.status is None or answer.status in (429, 503):
                time.sleep(0.05)
            caller.close()
    samples.lasted = time.perf_counter() - start
    return samples


class Ticker:
    """Asks at a fixed rate on a kept connection. Times count from when a request was due: a stall counts in full."""

    def __init__(self, port: int, request: Request, interval: float = 0.02) -> None:
        self.samples = Samples()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, request, interval), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends after the request in flight."""
        self._stopped.set()
        with contextlib.suppress(RuntimeError):
            self._thread.join(ANSWER_LIMIT * 2)

    def _run(self, port: int, request: Request, interval: float) -> None:
        due = begin = time.perf_counter()
        with Caller(port) as caller:
            while not self._stopped.is_set():
                answer = caller.ask(request)
                self.samples.add(answer, time.perf_counter() - due)
                due += interval
                wait = due - time.perf_counter()
                if wait > 0:
                    self._stopped.wait(wait)
        self.samples.lasted = time.perf_counter() - begin


class Calls:
    """Requests that are sent at once, each on a thread and a connection of its own."""

    def __init__(self, port: int, requests: Sequence[Request], limit: float) -> None:
        self.answers: list[Answer | None] = [None] * len(requests)
        self._end = time.monotonic() + limit
        self._threads = [
            threading.Thread(target=self._call, args=(i, port, request, limit), daemon=True)
            for i, request in enumerate(requests)
        ]
        for thread in self._threads:
            thread.start()

    def _call(self, i: int, port: int, request: Request, limit: float) -> None:
        with Caller(port, limit) as caller:
            self.answers[i] = caller.ask(request)

    def wait(self) -> list[Answer]:
        """All answers; those that did not come within the limit have no status."""
        for thread in self._threads:
            thread.join(max(0.0, self._end - time.monotonic()) + 0.5)
        return [answer or Answer(None, 0.0) for answer in self.answers]
