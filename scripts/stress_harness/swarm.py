"""Hundreds of connections on one thread: those that drip, never read, leave, or send all that they can."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from stress_harness.peer import CHUNK, Outcome, Peer, Plan

MOST_OPEN = 4096
MOST_OUTCOMES = 100_000


@dataclass
class Swarm:
    """A context in which connections go on until it is left.

    Either all plans at once, each a connection of its own, or, with a `rate`, so many a second of the plans in turn.
    """

    port: int
    plans: Sequence[Plan]
    rate: float | None = None
    most_open: int = MOST_OPEN
    outcomes: list[Outcome] = field(default_factory=list)
    opened: int = 0
    skipped: int = 0
    peers: dict[int, Peer] = field(default_factory=dict)
    error: str | None = None

    def __enter__(self) -> Self:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, int, str]] = []
        self._serial = itertools.count()
        self._stopped = threading.Event()
        self._calm = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes all connections."""
        self._stopped.set()
        self._thread.join(20)
        if self.error:
            raise RuntimeError(f"the attackers ended: {self.error}")

    def open_no_more(self) -> None:
        """Lets those that are open end; no others follow."""
        self._calm.set()

    @property
    def open_count(self) -> int:
        """Connections that are open from our side."""
        return len(self.peers)

    def established(self) -> int:
        """Connections that neither side has closed."""
        return sum(peer.is_established() for peer in list(self.peers.values()))

    def statuses(self) -> Counter[str]:
        """How many ended in which way: a status, or a word where there was no answer."""
        return Counter(str(outcome.status or outcome.how) for outcome in list(self.outcomes))

    def _run(self) -> None:
        try:
            self._begin()
            while not self._stopped.is_set():
                self._turn()
        except Exception as error:  # noqa: BLE001 (an attack must not end silently: `stop` raises it)
            self.error = repr(error)
        finally:
            for identity in list(self.peers):
                self._end(identity, "open at the end", final=True)
            self._selector.close()

    def _begin(self) -> None:
        now = time.perf_counter()
        if self.rate:
            self._at(now, 0, "spawn")
        else:
            for number in range(len(self.plans)):
                self._at(now + number * min(0.001, 0.5 / len(self.plans)), number, "open")

    def _at(self, due: float, identity: int, what: str) -> None:
        heapq.heappush(self._timers, (due, next(self._serial), identity, what))

    def _turn(self) -> None:
        now = time.perf_counter()
        while self._timers and self._timers[0][0] <= now:
            due, _, identity, what = heapq.heappop(self._timers)
            self._fire(due, identity, what)
        wait = min(0.05, self._timers[0][0] - now) if self._timers else 0.05
        for key, events in self._selector.select(max(0.0, wait)):
            self._serve(key.data, events)

    def _fire(self, due: float, identity: int, what: str) -> None:
        if what == "spawn" and self.rate and not self._calm.is_set():
            self._open(self.opened % len(self.plans))
            self._at(due + 1 / self.rate, 0, "spawn")
        elif what == "open" and not self._calm.is_set():
            self._open(identity)
        elif identity in self.peers and what == "leave":
            self._end(identity, "left")
        elif identity in self.peers and what == "drip":
            self._drip(identity)

    def _open(self, number: int) -> None:
        if len(self.peers) >= self.most_open:
            self.skipped += 1
            return
        plan = self.plans[number]
        peer = Peer(plan, number, ("127.0.0.1", self.port))
        identity = next(self._serial)
        self.peers[identity] = peer
        self.opened += 1
        self._selector.register(peer.socket, selectors.EVENT_WRITE | selectors.EVENT_READ * plan.reads, identity)
        if peer.failed:
            self._end(identity, "refused")
        elif plan.leaves_after is not None:
            self._at(peer.start + plan.leaves_after, identity, "leave")

    def _serve(self, identity: int, events: int) -> None:
        peer = self.peers.get(identity)
        if peer is None:
            return
        try:
            if events & selectors.EVENT_READ and self._read(peer):
                self._end(identity, "answered" if peer.status else "closed")
            elif events & selectors.EVENT_WRITE:
                self._write(identity, peer)
        except OSError:
            with contextlib.suppress(OSError):  # the answer may have come before the reset
                any(self._read(peer) for _ in range(8))
            self._end(identity, "answered" if peer.status else "reset")

    def _read(self, peer: Peer) -> bool:
        """Whether the answer is complete or the connection closed."""
        try:
            piece = peer.socket.recv(CHUNK)
        except BlockingIOError:
            return False
        return not piece or peer.take(piece)

    def _write(self, identity: int, peer: Peer) -> None:
        piece = peer.next_piece()
        if piece:
            with contextlib.suppress(BlockingIOError):
                peer.sent += peer.socket.send(piece)
        elif (problem := peer.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) != 0:
            raise OSError(problem, "the connection failed")
        if peer.sent < peer.total:
            return
        if peer.plan.reads:
            self._selector.modify(peer.socket, selectors.EVENT_READ, identity)
        else:
            self._selector.unregister(peer.socket)
        if peer.plan.drip is not None:
            self._at(time.perf_counter() + peer.plan.drip, identity, "drip")

    def _drip(self, identity: int) -> None:
        peer = self.peers[identity]
        try:
            peer.socket.send(peer.plan.dripped)
        except BlockingIOError:
            pass
        except OSError:
            self._end(identity, "answered" if peer.status else "reset")
            return
        self._at(time.perf_counter() + (peer.plan.drip or 1), identity, "drip")

    def _end(self, identity: int, how: str, final: bool = False) -> None:
        peer = self.peers.pop(identity)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(peer.socket)
        peer.socket.close()
        if len(self.outcomes) < MOST_OUTCOMES:
            seconds = time.perf_counter() - peer.start
            self.outcomes.append(Outcome(peer.number, peer.status, peer.retry_after, seconds, how))
        if not final and peer.plan.again_after is not None and self.rate is None:
            self._at(time.perf_counter() + peer.plan.again_after, peer.number, "open")
