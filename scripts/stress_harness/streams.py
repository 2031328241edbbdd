"""HTTP/2 connections of many streams whose bodies drip."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

STREAMS = 100
"""Streams of one connection; servers allow about as many."""
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_ACKNOWLEDGE, _END_HEADERS = 1, 4
_WORDS = {_HEADERS: "answered", _RESET: "reset", _GOAWAY: "connection refused"}


def unverified() -> ssl.SSLContext:
    """A TLS context for a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body


def _text(prefix: bytes, value: str) -> bytes:
    """A header field with a name of the static table and a short value, not indexed."""
    return prefix + bytes([len(value)]) + value.encode()


def _request(stream: int, path: str) -> bytes:
    fields = b"\x83\x87" + _text(b"\x04", path) + _text(b"\x01", "127.0.0.1")  # POST, https, :path, :authority
    fields += _text(b"\x0f\x0d", "1000000") + _text(b"\x0f\x10", "application/json")  # content-length, content-type
    return _frame(_HEADERS, _END_HEADERS, stream, fields)


class StreamDrip:
    """A context in which some connections, each of 100 streams, send a byte every two seconds in every stream."""

    def __init__(self, port: int, path: str, connections: int) -> None:
        self.ends: Counter[str] = Counter()
        self._port, self._path = port, path
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)

    def _run(self) -> None:
        context = unverified()
        context.set_alpn_protocols(["h2"])
        while not self._stopped.is_set():
            with contextlib.suppress(OSError):
                plain = socket.create_connection(("127.0.0.1", self._port), timeout=5)
                with plain, context.wrap_socket(plain) as connection:
                    self._hold(connection)
                self.ends["connection closed"] += 1
            self._stopped.wait(1.0)

    def _hold(self, connection: ssl.SSLSocket) -> None:
        connection.sendall(_PREFACE + _frame(_SETTINGS, 0, 0))
        connection.settimeout(0.1)
        streams: set[int] = set()
        number, received, due = 1, b"", 0.0
        while not self._stopped.is_set():
            if time.monotonic() >= due:
                opened = [number + 2 * i for i in range(STREAMS - len(streams))]
                number += 2 * len(opened)
                streams.update(opened)
                heads = b"".join(_request(stream, self._path) for stream in opened)
                connection.sendall(heads + b"".join(_frame(_DATA, 0, stream, b"a") for stream in streams))
                due = time.monotonic() + 2.0
            with contextlib.suppress(TimeoutError):
                piece = connection.recv(65_536)
                if not piece:
                    return
                received = self._take(connection, received + piece, streams)

    def _take(self, connection: ssl.SSLSocket, received: bytes, streams: set[int]) -> bytes:
        """Handles the frames that are complete and returns the rest."""
        while len(received) >= 9:
            length = int.from_bytes(received[:3], "big")
            kind, flags = received[3], received[4]
            stream = int.from_bytes(received[5:9], "big") & 0x7FFF_FFFF
            if len(received) < 9 + length:
                break
            body, received = received[9 : 9 + length], received[9 + length :]
            if kind == _SETTINGS and not flags & _ACKNOWLEDGE:
                connection.sendall(_frame(_SETTINGS, _ACKNOWLEDGE, 0))
            elif kind == _PING and not flags & _ACKNOWLEDGE:
                connection.sendall(_frame(_PING, _ACKNOWLEDGE, 0, body))
            elif (kind == _GOAWAY or stream in streams) and (word := _WORDS.get(kind)):
                self.ends[word] += 1
                streams.discard(stream)
        return received
