"""Makes Tests/TestSupport/Fixtures/hostile-images.json: small files that cost a decoder minutes, gigabytes or its life.

    pip install pillow pillow-heif && python3 scripts/make_hostile_images.py
"""

from __future__ import annotations

import base64
import io
import json
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()


# JPEG


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_of_scans(side: int, count: int, arithmetic: bool = False, before: bytes = b"", between: bytes = b"") -> bytes:
    """A progressive JPEG of three components whose scans hold no data, with bytes before its frame and between its scans."""
    components = b"".join(bytes([i, 0x11, 0]) for i in (1, 2, 3))
    file = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([16] * 64)) + before
    file += segment(0xCA if arithmetic else 0xC2, bytes([8]) + struct.pack(">HH", side, side) + b"\3" + components)
    if not arithmetic:
        table = bytes([1] + [0] * 15) + b"\0"
        file += segment(0xC4, b"\x00" + table) + segment(0xC4, b"\x10" + table)
    file += segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 0, 0])) + bytes(8)
    # Between two scans anything may stand that is no marker.
    return file + between + (b"\0\xff\0" + segment(0xDA, bytes([1, 1, 0, 1, 63, 0]))) * (count - 1) + b"\xff\xd9"


def jpeg_of_two_components(stray: int) -> bytes:
    frame = bytes([8]) + struct.pack(">HH", 16, 16) + bytes([2, 1, 0x11, 0, 2, 0x11, 0])
    return (
        b"\xff\xd8" + segment(0xDB, b"\0" + bytes([16] * 64)) + bytes(stray) + segment(0xC0, frame)
        + segment(0xDA, bytes([2, 1, 0, 2, 0, 0, 63, 0])) + bytes(64) + b"\xff\xd9"
    )


# HEIF


def box(kind: str, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind.encode()) + body


def full(kind: str, body: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + body)


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    while start + 8 <= end:
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        yield kind.decode("latin-1"), start + 8, start + length
        start += length


def coded(image: Image.Image, form: str, **options: Any) -> tuple[bytes, bytes]:
    """The stream of an image and the box that says how it is coded."""
    buffer = io.BytesIO()
    image.save(buffer, format=form, **options)
    data = buffer.getvalue()
    meta = next(b for b in boxes(data, 0, len(data)) if b[0] == "meta")
    children = {kind: (start, end) for kind, start, end in boxes(data, meta[1] + 4, meta[2])}
    container = next(b for b in boxes(data, *children["iprp"]) if b[0] == "ipco")
    name = "hvcC" if form == "HEIF" else "av1C"
    configuration = next(data[start - 8 : end] for kind, start, end in boxes(data, *container[1:]) if kind == name)
    stream = next(data[start:end] for kind, start, end in boxes(data, 0, len(data)) if kind == "mdat")
    return stream, configuration


class HEIF:
    """Writes a file of items; all numbers are what the caller says."""

    def __init__(self, brand: bytes) -> None:
        self.brand = brand
        self.items: list[tuple[str, bytes, list[int]]] = []
        self.references: list[bytes] = []
        self.properties: list[bytes] = []

    def property(self, data: bytes) -> int:
        self.properties.append(data)
        return len(self.properties)

    def size(self, width: int, height: int) -> int:
        return self.property(full("ispe", struct.pack(">II", width, height)))

    def item(self, kind: str, data: bytes, properties: list[int]) -> int:
        self.items.append((kind, data, properties))
        return len(self.items)

    def refer(self, kind: str, source: int, targets: list[int]) -> None:
        ids = b"".join(struct.pack(">H", each) for each in targets)
        self.references.append(box(kind, struct.pack(">HH", source, len(targets)) + ids))

    def file(self, primary: int, base: bytes = b"", extents: int = 1) -> bytes:
        """The whole file; `base` is put before the extents of each item, as an offset that they have in common. Each extent
        holds all of an item's data."""

        def layout(offset: int) -> bytes:
            entries, at = b"", offset
            for number, (_, data, _) in enumerate(self.items, 1):
                entries += struct.pack(">HH", number, 0) + base + struct.pack(">H", extents)
                entries += struct.pack(">II", at, len(data)) * extents
                at += len(data)
            infos = b"".join(
                full("infe", struct.pack(">HH4s", number, 0, kind.encode()) + b"\0", version=2)
                for number, (kind, _, _) in enumerate(self.items, 1))
            links = b"".join(
                struct.pack(">HB", number, len(properties)) + bytes(0x80 | each for each in properties)
                for number, (_, _, properties) in enumerate(self.items, 1))
            meta = full("hdlr", b"\0\0\0\0pict" + bytes(13)) + full("pitm", struct.pack(">H", primary))
            meta += full("iloc", struct.pack(">HH", 0x4400 | len(base) << 4, len(self.items)) + entries)
            meta += full("iinf", struct.pack(">H", len(self.items)) + infos)
            meta += full("iref", b"".join(self.references)) if self.references else b""
            meta += box("iprp", box("ipco", b"".join(self.properties)) + full("ipma", struct.pack(">I", len(self.items)) + links))
            return box("ftyp", self.brand + b"\0\0\0\0mif1" + self.brand) + full("meta", meta)

        head = layout(0)
        return layout(len(head) + 8) + box("mdat", b"".join(data for _, data, _ in self.items))


def grid(form: str, rows: int, columns: int, tile: int = 64, output: tuple[int, int] | None = None,
         said: tuple[int, int] | None = None, brand: bytes = b"heic") -> bytes:
    """A grid that names its one tile for every place."""
    stream, configuration = coded(Image.new("RGB", (tile, tile), (90, 120, 60)), form, quality=20)
    kind = "hvc1" if form == "HEIF" else "av01"
    file = HEIF(brand)
    width, height = output or (columns * tile, rows * tile)
    code, tile_size, whole = file.property(configuration), file.size(tile, tile), file.size(*(said or (width, height)))
    one = file.item(kind, stream, [code, tile_size])
    head = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)
    derived = file.item("grid", head, [whole])
    file.refer("dimg", derived, [one] * (rows * columns))
    return file.file(derived)


def mislabeled(form: str, held: tuple[int, int], said: tuple[int, int], brand: bytes) -> bytes:
    """An image that says that it is smaller than its stream."""
    stream, configuration = coded(Image.new("RGB", held, (90, 120, 60)), form, quality=1)
    file = HEIF(brand)
    properties = [file.property(configuration), file.size(*said)]
    return file.file(file.item("hvc1" if form == "HEIF" else "av01", stream, properties))


def repeated(times: int, base: bytes = b"") -> bytes:
    """An HEVC stream of the same image many times."""
    stream, configuration = coded(Image.new("RGB", (1024, 1024), (90, 120, 60)), "HEIF", quality=1)
    file = HEIF(b"heic")
    return file.file(file.item("hvc1", stream * times, [file.property(configuration), file.size(1024, 1024)]), base)


def repeated_extents(times: int, size: int) -> bytes:
    """An HEVC image whose data is the same zeros many times over: empty units."""
    _, configuration = coded(Image.new("RGB", (64, 64), (90, 120, 60)), "HEIF", quality=20)
    file = HEIF(b"heic")
    return file.file(file.item("hvc1", bytes(size), [file.property(configuration), file.size(64, 64)]), extents=times)


def padded(slices: int = 0, parameter_sets: int = 0) -> bytes:
    """An HEVC image of 9 megapixels with more slices, or parameter sets, than it needs."""
    stream, configuration = coded(Image.new("RGB", (4096, 2176), (90, 120, 60)), "HEIF", quality=1)
    units, at = [], 0
    while at < len(stream):
        length = struct.unpack(">I", stream[at : at + 4])[0]
        units.append(stream[at + 4 : at + 4 + length])
        at += 4 + length
    picture = next(unit for unit in units if unit[0] >> 1 & 63 < 32)
    another = picture[:2] + bytes([picture[2] & 0x7F]) + picture[3:24]
    units = [b"\x44\x01\xc1\x72\xb4\x62\x40"] * parameter_sets + units + [another] * slices
    data = b"".join(struct.pack(">I", len(unit)) + unit for unit in units)
    file = HEIF(b"heic")
    return file.file(file.item("hvc1", data, [file.property(configuration), file.size(4096, 2176)]))


def turned_twice() -> bytes:
    stream, configuration = coded(Image.new("RGB", (64, 64), (90, 120, 60)), "HEIF", quality=20)
    file = HEIF(b"heic")
    code, size, turn = file.property(configuration), file.size(64, 64), file.property(box("irot", b"\1"))
    return file.file(file.item("hvc1", stream, [code, size, turn, turn]))


def resized_frame(kind: int = 6) -> bytes:
    """An AV1 frame that says itself how large it is: larger than its sequence header does."""

    def bits(*fields: tuple[int, int]) -> bytes:
        text = "".join(f"{value:0{length}b}" for value, length in fields)
        return int(text.ljust(-len(text) % 8 + len(text), "0"), 2).to_bytes((len(text) + 7) // 8, "big")

    def unit(kind: int, data: bytes) -> bytes:
        return bytes([kind << 3 | 2, len(data)]) + data

    operating_point = [(0, 1), (0, 1), (0, 5), (0, 12), (0, 5)]
    tools = [(0, 1)] * 9 + [(0, 1), (0, 1)] + [(0, 1)] * 3 + [(0, 1)] * 4 + [(0, 2), (0, 1), (0, 1), (1, 1)]
    sequence = bits((0, 3), (0, 1), (0, 1), *operating_point, (15, 4), (15, 4), (63, 16), (63, 16), *tools)
    frame = bits((0, 1), (0, 2), (1, 1), (1, 1), (1, 1), (16383, 16), (16383, 16)) + bytes(40)
    file = HEIF(b"avif")
    properties = [file.property(box("av1C", bytes([0x81, 0, 0x0C, 0]))), file.size(64, 64)]
    return file.file(file.item("av01", unit(1, sequence) + unit(kind, frame), properties))


def grid_with_alpha(width: int, height: int, tile: int) -> bytes:
    """A grid whose alpha channel is a grid too."""
    stream, configuration = coded(Image.new("RGB", (tile, tile), (90, 120, 60)), "AVIF", quality=20)
    file = HEIF(b"avif")
    code, tile_size, whole = file.property(configuration), file.size(tile, tile), file.size(width, height)
    alpha = file.property(full("auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"))
    columns, rows = -(-width // tile), -(-height // tile)
    head = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)
    tile = file.item("av01", stream, [code, tile_size])
    color, opacity = file.item("grid", head, [whole]), file.item("grid", head, [whole, alpha])
    for each in (color, opacity):
        file.refer("dimg", each, [tile] * (rows * columns))
    file.refer("auxl", opacity, [color])
    return file.file(color)


def portrait(count: int) -> bytes:
    """A photograph in tiles, with a gain map and mattes, as phones write portraits."""
    width, height, tile = 4032, 3024, 512
    stream, configuration = coded(Image.new("RGB", (tile, tile), (90, 120, 60)), "HEIF", quality=20)
    matte, matte_configuration = coded(Image.new("L", (width // 2, height // 2), 128), "HEIF", quality=5)
    file = HEIF(b"heic")
    code, tile_size, whole = file.property(configuration), file.size(tile, tile), file.size(width, height)
    other_code, half = file.property(matte_configuration), file.size(width // 2, height // 2)
    columns, rows = -(-width // tile), -(-height // tile)
    one = file.item("hvc1", stream, [code, tile_size])
    photograph = file.item("grid", struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height), [whole])
    file.refer("dimg", photograph, [one] * (rows * columns))
    for number in range(count):
        kind = file.property(full("auxC", b"urn:com:apple:photo:2020:aux:matte%d\0" % number))
        file.refer("auxl", file.item("hvc1", matte, [other_code, half, kind]), [photograph])
    return file.file(photograph)


def shared_gain_map() -> bytes:
    """A photograph as phones write it since iOS 18: its gain map belongs to it and to another image of the file."""
    stream, configuration = coded(Image.new("RGB", (64, 64), (90, 120, 60)), "HEIF", quality=20)
    file = HEIF(b"heic")
    code, size = file.property(configuration), file.size(64, 64)
    gain = file.property(full("auxC", b"urn:com:apple:photo:2020:aux:hdrgainmap\0"))
    first = file.item("hvc1", stream, [code, size])
    second = file.item("hvc1", stream, [code, size])
    file.refer("auxl", file.item("hvc1", stream, [code, size, gain]), [first, second])
    return file.file(first)


def photograph() -> bytes:
    """An image as cameras write it: turned, mirrored and cropped, with an alpha channel, a thumbnail, EXIF and a color profile."""
    stream, configuration = coded(Image.new("RGB", (64, 64), (90, 120, 60)), "HEIF", quality=20)
    file = HEIF(b"heic")
    code, size = file.property(configuration), file.size(64, 64)
    alpha = file.property(full("auxC", b"urn:mpeg:hevc:2015:auxid:1\0"))
    crop = file.property(box("clap", struct.pack(">8I", 60, 1, 40, 1, 0, 1, 0, 1)))
    turned, mirrored = file.property(box("irot", b"\1")), file.property(box("imir", b"\0"))
    color = file.property(box("colr", b"nclx" + struct.pack(">HHHB", 1, 13, 6, 0x80)))
    profile = file.property(box("colr", b"prof" + bytes(128)))
    depth = file.property(full("pixi", bytes([3, 8, 8, 8])))
    others = [
        file.property(box("pasp", struct.pack(">II", 1, 1))), file.property(box("clli", bytes(4))),
        file.property(box("mdcv", bytes(24)))]
    first = file.item("hvc1", stream, [code, size, crop, turned, mirrored, color, profile, depth, *others])
    second = file.item("hvc1", stream, [code, size, alpha])
    third = file.item("hvc1", stream, [code, size])
    exif = file.item("Exif", bytes(4) + b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", [])
    file.refer("auxl", second, [first])
    file.refer("thmb", third, [first])
    file.refer("cdsc", exif, [first])
    return file.file(first)


def derived_from_text() -> bytes:
    file = HEIF(b"heic")
    size = file.size(64, 64)
    text = file.item("mime", b"text", [])
    image = file.item("iden", b"", [size])
    file.refer("dimg", image, [text])
    return file.file(image)


def cycle(cut: bool = False) -> bytes:
    """An image that is derived from itself; with a list of references that another reader would see otherwise."""
    file = HEIF(b"heic")
    size = file.size(64, 64)
    one = file.item("iden", b"\0", [size])
    file.refer("dimg", one, [one])
    data = file.file(one)
    return data.replace(b"\0\0\0\x0edimg", b"\0\0\1\x0edimg") if cut else data


def auxiliary_cycle() -> bytes:
    """Two images, each the alpha channel of the other."""
    stream, configuration = coded(Image.new("RGB", (64, 64), (90, 120, 60)), "HEIF", quality=20)
    file = HEIF(b"heic")
    code, size = file.property(configuration), file.size(64, 64)
    alpha = file.property(full("auxC", b"urn:mpeg:hevc:2015:auxid:1\0"))
    first = file.item("hvc1", stream, [code, size, alpha])
    second = file.item("hvc1", stream, [code, size, alpha])
    file.refer("auxl", first, [second])
    file.refer("auxl", second, [first])
    return file.file(first)


def overlay(depth: int, width: int) -> bytes:
    """Overlays of overlays: the work grows with the power of the depth."""
    stream, configuration = coded(Image.new("RGB", (64, 64), (90, 120, 60)), "HEIF", quality=20)
    file = HEIF(b"heic")
    code, size = file.property(configuration), file.size(64, 64)
    below = file.item("hvc1", stream, [code, size])
    for _ in range(depth):
        data = struct.pack(">BB4HHH", 0, 0, 0, 0, 0, 0, 64, 64) + bytes(4 * width)
        item = file.item("iovl", data, [size])
        file.refer("dimg", item, [below] * width)
        below = item
    return file.file(below)


def many_items(count: int) -> bytes:
    """An image and items that are nothing, through which the library goes again and again."""
    stream, configuration = coded(Image.new("RGB", (64, 64), (90, 120, 60)), "HEIF", quality=20)
    file = HEIF(b"heic")
    one = file.item("hvc1", stream, [file.property(configuration), file.size(64, 64)])
    for _ in range(count):
        file.item("mime", b"", [])
    return file.file(one)


# TIFF and PNG


def tiff(width: int, height: int, tile_width: int, tile_height: int) -> bytes:
    """A deflated grey TIFF of few pixels in tiles of many."""
    data = zlib.compress(bytes(1 << 20), 9)
    offset = 8 + 2 + 9 * 12 + 4
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (322, 4, tile_width), (323, 4, tile_height),
        (324, 4, offset), (325, 4, len(data))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + data


def overlapping_tiff(width: int, rows: int) -> bytes:
    """A deflated grey TIFF whose strips, one for each row, are the same bytes of the file, nearly all of it."""
    size = 1 << 13
    data = zlib.compress(bytes(width)) + bytes(size)
    count = 10
    lists = 8 + 2 + count * 12 + 4
    start = lists + 8 * rows
    tags = [
        (256, 4, 1, width), (257, 4, 1, rows), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (273, 4, rows, lists),
        (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, rows, lists + 4 * rows), (284, 3, 1, 1)]
    directory = struct.pack("<H", count) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    offsets = struct.pack("<I", start) * rows + struct.pack("<I", size) * rows
    return b"II*\0" + struct.pack("<I", 8) + directory + offsets + data


def png_of_texts(count: int, size: int) -> bytes:
    """A PNG whose compressed comments are larger than all else."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes([65]) * size, 9))
    pixels = zlib.compress(b"".join(b"\0" + bytes(48) for _ in range(16)))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)) + text * count + chunk(b"IDAT",
            pixels)
        + chunk(b"IEND", b""))


def main() -> None:
    # What each is refused with; an empty text where it is read.
    files = {
        "JPEG of two components": (jpeg_of_two_components(0), "of 2 components"),
        "JPEG of two components, with stray bytes": (jpeg_of_two_components(3), "of 2 components"),
        "JPEG of 600 scans": (jpeg_of_scans(16, 600), "more than 500 scans"),
        "JPEG of 60 scans over 100 megapixels": (jpeg_of_scans(9990, 60), "more than 40 scans"),
        "arithmetic JPEG of 60 scans over 100 megapixels": (jpeg_of_scans(9990, 60, arithmetic=True), "more than 16 scans"),
        "JPEG of scans behind an empty comment": (jpeg_of_scans(9990, 60, before=b"\xff\xfe\0\0"), "more than 40 scans"),
        "JPEG of scans behind a short segment": (jpeg_of_scans(9990, 60, before=b"\xff\xe5\0\1"), "more than 40 scans"),
        "JPEG of scans around an empty segment": (jpeg_of_scans(9990, 60, between=b"\xff\xdc\0\0"), "more than 40 scans"),
        "JPEG of 12 scans": (jpeg_of_scans(16, 12, arithmetic=True), ""),
        "HEIC grid of one tile 5,000 times": (grid("HEIF", 50, 100), "more than 2048 tiles"),
        "AVIF grid of one tile 5,000 times": (grid("AVIF", 50, 100, brand=b"avif"), "more than 2048 tiles"),
        "HEIC grid that says that it is small": (grid("HEIF", 40, 40, tile=256, said=(64, 64)), "more pixels than it says"),
        "HEIC grid of large tiles": (grid("HEIF", 40, 40, tile=256, output=(64, 64)), "more pixels than it says"),
        "HEIC of 9 megapixels that says 64x64": (mislabeled("HEIF", (4096, 2176), (64, 64), b"heic"), "more pixels than it says"),
        "AVIF of 9 megapixels that says 64x64": (mislabeled("AVIF", (4096, 2176), (64, 64), b"avif"), "more pixels than it says"),
        "HEIC of 64x64 that says 9 megapixels": (mislabeled("HEIF", (64, 64), (4096, 2176), b"heic"), "another size than it says"),
        "HEIC of 40 images in one": (repeated(40), "more pixels than it says"),
        "HEIC of 40 images in one, hidden by an offset": (repeated(40, base=b"\0\0"), "malformed"),
        "HEIC of one extent 4,096 times": (repeated_extents(4096, 60_000), "more data than the file"),
        "HEIC of 120 slices": (padded(slices=120), "again and again"),
        "HEIC of 200 parameter sets": (padded(parameter_sets=200), "again and again"),
        "HEIC that is turned twice": (turned_twice(), "more than once"),
        "HEIC of two lists of items": (cycle() + full("meta", b""), "malformed"),
        "AVIF of a frame that is larger than its sequence": (resized_frame(), "an image of 65536x65536 pixels"),
        "AVIF of such a frame in a redundant header": (resized_frame(7), "an image of 65536x65536 pixels"),
        "AVIF without a frame": (resized_frame(5), "cannot be read"),
        "HEIC that is derived from itself": (cycle(), "too deeply"),
        "HEIC whose alpha channels are each other's": (auxiliary_cycle(), "too deeply"),
        "HEIC overlays of overlays": (overlay(5, 12), "more pixels than it says"),
        "HEIC of 2,400 items": (many_items(2400), "more than 2304 items"),
        "HEIC grid": (grid("HEIF", 2, 3), ""),
        "AVIF grid": (grid("AVIF", 2, 3, brand=b"avif"), ""),
        "HEIC of overlays": (overlay(2, 3), ""),
        "AVIF grid with an alpha grid": (grid_with_alpha(3072, 2048, 512), ""),
        "HEIC portrait with six mattes": (portrait(6), ""),
        "HEIC of every property": (photograph(), ""),
        "HEIC whose gain map belongs to two images": (shared_gain_map(), ""),
        "HEIC that is derived from a text": (derived_from_text(), "not an image"),
        "HEIC whose references are cut off": (cycle(cut=True), "malformed"),
        "TIFF of 16x16 pixels in a tile of 32768x32768": (tiff(16, 16, 32768, 32768), "far more than the image"),
        "TIFF of 16x16 pixels in a tile of 2147483632x16": (tiff(16, 16, 2147483632, 16), "far more than the image"),
        "TIFF of 2,000 strips that are one": (overlapping_tiff(64, 2000), "overlap"),
        "PNG of 8 comments of 7 MB": (png_of_texts(8, 7_000_000), ""),
    }
    fixtures = [{"name": name, "refusal": refusal, "file": base64.b64encode(data).decode()}
                for name, (data, refusal) in files.items()]
    folder = pathlib.Path(__file__).parent.parent / "Tests/TestSupport/Fixtures"
    (folder / "hostile-images.json").write_text(json.dumps(fixtures, indent=0) + "\n")
    for name, (data, refusal) in files.items():
        print(f"{len(data):8}  {name:50} {refusal}")


if __name__ == "__main__":
    main()
