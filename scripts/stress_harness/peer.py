"""One connection of an attacker: what it sends, and how it ended."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from dataclasses import dataclass
from typing import NamedTuple

CHUNK = 256 * 1024
HEAD_LIMIT = 64 * 1024
_ESTABLISHED = 1
_CONNECTING = (0, errno.EINPROGRESS, errno.EAGAIN)


@dataclass(frozen=True)
class Plan:
    """What one connection does."""

    opening: bytes = b""
    """Sent at once."""
    block: bytes = b""
    """Repeated after the opening, at full speed, until `length` bytes of it are sent."""
    length: int = 0
    closing: bytes = b""
    """Sent after the blocks."""
    drip: float | None = None
    """Seconds between the single bytes that are sent after all that, without end."""
    dripped: bytes = b"a"
    reads: bool = True
    leaves_after: float | None = None
    """Seconds after the connection was opened until the client closes it."""
    again_after: float | None = None
    """Seconds after which a connection that ended is opened again."""


class Outcome(NamedTuple):
    """How a connection ended. `status` is None if no answer came."""

    plan: int
    status: int | None
    retry_after: bool
    seconds: float
    how: str


class Peer:
    """One connection."""

    def __init__(self, plan: Plan, number: int, address: tuple[str, int]) -> None:
        self.plan, self.number = plan, number
        self.start = time.perf_counter()
        self.total = len(plan.opening) + plan.length + len(plan.closing)
        self.sent = 0
        self.head = bytearray()
        self.status: int | None = None
        self.retry_after = False
        self.expected: int | None = None
        self.received = 0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not plan.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.failed = self.socket.connect_ex(address) not in _CONNECTING

    def next_piece(self) -> bytes | memoryview:
        """What is to be sent next; empty when all is sent."""
        plan, at = self.plan, self.sent
        if at < len(plan.opening):
            return memoryview(plan.opening)[at : at + CHUNK]
        at -= len(plan.opening)
        if at < plan.length:
            offset = at % len(plan.block)
            return memoryview(plan.block)[offset : offset + min(CHUNK, plan.length - at)]
        return memoryview(plan.closing)[at - plan.length :]

    def take(self, piece: bytes) -> bool:
        """Reads a part of the answer; true when it is complete."""
        self.received += len(piece)
        if self.expected is None:
            self.head += piece[: HEAD_LIMIT - len(self.head)]
        while self.expected is None:
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return len(self.head) >= HEAD_LIMIT
            self._read_head(bytes(self.head[:end]).lower(), end + 4)
        return self.expected is not None and self.received >= self.expected

    def _read_head(self, head: bytes, length: int) -> None:
        lines = head.split(b"\r\n")
        with contextlib.suppress(IndexError, ValueError):
            self.status = int(lines[0].split()[1])
        if self.status is not None and self.status < 200:  # 100 Continue: the answer comes after it
            del self.head[:length]
            self.received -= length
            self.status = None
            return
        fields = dict(line.split(b":", 1) for line in lines[1:] if b":" in line)
        self.retry_after = b"retry-after" in fields
        with contextlib.suppress(ValueError):
            # An answer without a length ends with its connection.
            self.expected = length + int(fields.get(b"content-length", b"1000000000000"))

    def is_established(self) -> bool:
        """Whether neither side has closed, according to the kernel: one that never reads does not notice otherwise."""
        with contextlib.suppress(OSError):
            return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED
        return False


def post(path: str, length: int, content_type: str = "application/octet-stream", close: bool = False) -> bytes:
    """The head of a request with a body of that length."""
    connection = "Connection: close\r\n" if close else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n{connection}"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()
