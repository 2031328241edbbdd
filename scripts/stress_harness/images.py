"""Images that need nothing but zlib to make."""

from __future__ import annotations

import struct
import zlib


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, depth: int, color: int, rows: list[bytes]) -> bytes:
    """A PNG whose rows, each with its filter byte, repeat from the top until it is full."""
    compressor = zlib.compressobj(1)
    data = b"".join(compressor.compress(rows[y % len(rows)]) for y in range(height)) + compressor.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def grey_image(side: int) -> bytes:
    """A square of 8-bit grey: a hundred megapixels in a few hundred kilobytes where `side` is 10,000."""
    return _png(side, side, 8, 0, [b"\0" + bytes((x // 16 + y) % 256 for x in range(side)) for y in range(4)])


def pixel_image() -> bytes:
    """One white pixel."""
    return _png(1, 1, 1, 0, [b"\0\x80"])


def scene_image(side: int, cell: int = 200) -> bytes:
    """A square of 8-bit RGB with a shaded disc in every cell: many objects for a detector of coins."""
    rows = []
    for y in range(cell):
        pixels = bytearray()
        for x in range(cell):
            distance = ((x - cell / 2) ** 2 + (y - cell / 2) ** 2) ** 0.5 / (cell * 0.36)
            shade = 1.0 - 0.25 * (x + y) / (2 * cell) - (0.25 if 0.85 < distance <= 1 else 0)
            color = (205, 160, 70) if distance <= 1 else (120, 90, 70)
            pixels += bytes(int(channel * shade) for channel in color)
        rows.append(b"\0" + (bytes(pixels) * (side // cell + 1))[: side * 3])
    return _png(side, side, 8, 2, rows)
