"""Makes Tests/TestSupport/Fixtures/pictures.json: small files of unusual kinds, and the pixels that Pillow reads from them.

    pip install pillow pillow-heif imagecodecs numpy && python3 scripts/make_picture_fixtures.py
"""

from __future__ import annotations

import base64
import io
import json
import pathlib
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageOps

Tag = tuple[int, int, list[int]]

pillow_heif.register_heif_opener()

W, H = 24, 16
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x + y) * 255 // (W + H - 2)], -1).astype(np.uint8)
picture = Image.fromarray(rgb)
grey16 = Image.fromarray((x * 65535 // (W - 1)).astype(np.uint16))
alpha = picture.copy()
alpha.putalpha(Image.fromarray((y * 255 // (H - 1)).astype(np.uint8)))


def file(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def jpeg(factors: list[tuple[int, int]], size: tuple[int, int] = (24, 16), adobe: int | None = None) -> bytes:
    """A baseline JPEG of any sampling factors, with blocks of one value each."""
    # Standard table for the differences of luminance's first coefficients: codes of 2 to 9 bits for categories 0 to 11.
    lengths, code = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], 0
    codes: dict[int, tuple[int, int]] = {}
    for length, count in enumerate(lengths, 1):
        for _ in range(count):
            codes[len(codes)] = (code, length)
            code += 1
        code <<= 1
    bits: list[int] = []

    def put(value: int, length: int) -> None:
        bits.extend(value >> i & 1 for i in reversed(range(length)))

    width, height = size
    across, down = max(h for h, _ in factors), max(v for _, v in factors)
    last = [0] * len(factors)
    state = 12345
    for _ in range(-(-height // (8 * down)) * -(-width // (8 * across))):
        for i, (h, v) in enumerate(factors):
            for _ in range(h * v):
                state = (state * 1103515245 + 12345) % 2**31
                value = (state >> 16) % 101 - 50
                difference, last[i] = value - last[i], value
                category = abs(difference).bit_length()
                put(*codes[category])
                put(difference if difference >= 0 else difference + (1 << category) - 1, category)
                put(0, 1)  # the end of the block, the only code of its table
    bits += [1] * (-len(bits) % 8)
    data = bytes(int("".join(map(str, bits[i : i + 8])), 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    file = b"\xff\xd8"
    if adobe is not None:
        file += segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([adobe]))
    file += segment(0xDB, b"\0" + bytes([16] * 64))
    components = b"".join(bytes([i + 1, h << 4 | v, 0]) for i, (h, v) in enumerate(factors))
    file += segment(0xC0, b"\x08" + struct.pack(">HHB", height, width, len(factors)) + components)
    file += segment(0xC4, b"\x00" + bytes(lengths) + bytes(range(12)))
    file += segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    selectors = b"".join(bytes([i + 1, 0]) for i in range(len(factors)))
    return file + segment(0xDA, bytes([len(factors)]) + selectors + b"\0\x3f\0") + data + b"\xff\xd9"


def png(color: int, depth: int, rows: list[bytes], before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG of packed rows, with chunks before and behind its data."""
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, color, 0, 0, 0)) + before + chunk(b"IDAT", data)
        + after + chunk(b"IEND", b""))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiff(tags: list[Tag], data: bytes) -> bytes:
    """A TIFF with the given tags, (tag, type, values) each, whose one strip is `data`."""
    form = {1: "B", 3: "H", 4: "I"}
    given = {tag for tag, _, _ in tags}
    tags = sorted(tags + [each for each in [(273, 4, [8]), (279, 4, [len(data)])] if each[0] not in given])
    at = 8 + len(data)
    extra = at + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, kind, numbers in tags:
        packed = struct.pack(f"<{len(numbers)}{form[kind]}", *numbers)
        if len(packed) > 4:
            entries += struct.pack("<HHII", tag, kind, len(numbers), extra + len(values))
            values += packed
        else:
            entries += struct.pack("<HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", at) + data + struct.pack("<H", len(tags)) + entries + bytes(4) + values


def tiff_of(samples: int, bits: int, photometric: int, data: bytes, *more: Tag) -> bytes:
    return tiff(
        [(256, 3, [W]), (257, 3, [H]), (258, 3, [bits] * samples), (259, 3, [1]), (262, 3, [photometric]), (277, 3, [samples]),
         (278, 3, [H]), *more], data)


def bmp(bits: int, compression: int, data: bytes, palette: bytes = b"", header: int = 40, height: int = H,
        masks: bytes = b"") -> bytes:
    colors = len(palette) // 4
    offset = 14 + header + len(masks) + len(palette)
    body = struct.pack("<IiiHHIIiiII", header, W, height, 1, bits, compression, len(data), 0, 0, colors, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + body + masks + palette + data


def run_lengths(indices: np.ndarray, narrow: bool) -> bytes:
    """Rows from the bottom: runs, a stretch of pixels as they are, a jump, and the ends of rows and of the image."""
    out = b""
    for row in indices[::-1]:
        out += bytes([5, row[0] << 4 | row[1] if narrow else row[0]])
        stretch = [int(value) for value in row[5:12]]
        if narrow:
            packed = stretch + [0] * (-len(stretch) % 4)
            out += bytes([0, len(stretch)]) + bytes(a << 4 | b for a, b in zip(packed[::2], packed[1::2]))
        else:
            out += bytes([0, len(stretch)]) + bytes(stretch) + b"\0"
        out += bytes([0, 2, 3, 0, 4, row[20] << 4 | row[21] if narrow else row[20], 0, 0])
    return out + b"\0\1"


def webp_frame(data: bytes, x: int, y: int) -> bytes:
    """An animation on a larger canvas from the data of a file; its first image does not begin at the corner."""
    chunks = data[12:]
    frame = b"".join([(x // 2).to_bytes(3, "little"), (y // 2).to_bytes(3, "little"), (W - 1).to_bytes(3, "little"),
                      (H - 1).to_bytes(3, "little"), (100).to_bytes(3, "little"), b"\2"]) + chunks
    canvas = b"\x02\0\0\0" + (W + 9).to_bytes(3, "little") + (H + 6).to_bytes(3, "little")
    body = b"VP8X" + struct.pack("<I", 10) + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    body += (b"ANMF" + struct.pack("<I", len(frame)) + frame) * 2
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def exif(kind: int, order: str, value: int = 6) -> bytes:
    """An EXIF block with an orientation as SHORT (3) or LONG (4)."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    number = struct.pack(order + ("H2x" if kind == 3 else "I"), value)
    return mark + struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, 1) + number + bytes(4)


def packed(values: np.ndarray, bits: int) -> list[bytes]:
    """Rows of samples of few bits."""
    rows = []
    for row in values:
        text = "".join(f"{int(value):0{bits}b}" for value in row)
        rows.append(int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big"))
    return rows


def heic(size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    """A HEIC file of a picture in large, its chroma far from smooth."""
    across, down = size
    v, u = np.mgrid[0:down, 0:across]
    colors = np.stack([u * 37 % 256, v * 53 % 256, (u // 3 + v // 2) * 61 % 256], -1).astype(np.uint8)
    return file(Image.fromarray(colors).convert(mode), format="HEIF", quality=95, **options)


def turned(value: int) -> Image.Exif:
    """EXIF metadata with an orientation, which pillow-heif stores as properties of the image."""
    found = Image.Exif()
    found[0x0112] = value
    return found


def deep_heic(size: tuple[int, int], **options: Any) -> bytes:
    """A HEIC file of 10 bits a sample."""
    across, down = size
    v, u = np.mgrid[0:down, 0:across]
    colors = np.stack([u * 1237, v * 1741, u * v * 91], -1).astype(np.uint16)
    buffer = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", size, colors.tobytes()).save(buffer, quality=95, **options)
    return buffer.getvalue()


def with_matrix(data: bytes, matrix: int) -> bytes:
    """An AVIF file that names another matrix for its colors."""
    at = data.index(b"colrnclx") + 12
    return data[:at] + struct.pack(">H", matrix) + data[at + 2 :]


def wide_gif(indices: np.ndarray) -> bytes:
    """A GIF whose codes have 12 bits from the beginning."""
    codes = [2048, *(int(value) for value in indices.ravel()), 2049]
    whole = sum(code << 12 * i for i, code in enumerate(codes))
    data = whole.to_bytes((12 * len(codes) + 7) // 8, "little")
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    colors = bytes((17 * i + j * 60) % 256 for i in range(16) for j in range(3))
    screen = struct.pack("<HHBBB", W, H, 0xB3, 0, 0)
    return b"GIF89a" + screen + colors + b"," + struct.pack("<HHHHB", 0, 0, W, H, 0) + b"\x0b" + blocks + b"\0;"


def profile(name: str) -> Any:
    return ImageCms.createProfile(name)


x_, y_ = np.meshgrid(np.arange(W), np.arange(H))
indices = (x_ + y_) % 16
hidden = Image.fromarray(np.dstack([rgb, np.zeros((H, W), np.uint8)]))
half = np.dstack([rgb // 2, np.full((H, W), 128, np.uint8)])
baseline = file(picture, format="JPEG", quality=95, subsampling=0)
scan = baseline.index(b"\xff\xda")
gif_frame = file(picture.quantize(32), format="GIF", interlace=False)
descriptor = gif_frame.index(b",\0\0\0\0")
deep = (np.dstack([rgb, rgb[..., :1]]).astype(np.uint16) << 8 | 0x5A)
webp = file(picture, format="WEBP", quality=90)
palette = bytes(np.array([[17 * i, 255 - 17 * i, 8 * i, 0] for i in range(16)], np.uint8).tobytes())
ramp = x_ * 255 // (W - 1)

strong = Image.fromarray(np.dstack([255 - rgb[..., 2], rgb[..., 0] // 3, 255 - rgb[..., 1]]))

files = {
    "grey JPEG": file(picture.convert("L"), format="JPEG", quality=95),
    "CMYK JPEG": file(picture.convert("CMYK"), format="JPEG", quality=95),
    "progressive JPEG": file(picture, format="JPEG", quality=95, progressive=True),
    "4:4:4 JPEG": file(picture, format="JPEG", quality=95, subsampling=0),
    "JPEG with bytes after its end": file(picture, format="JPEG", quality=95) + b"more",
    "palette PNG": file(picture.quantize(16), format="PNG"),
    "grey PNG": file(picture.convert("L"), format="PNG"),
    "one bit PNG": file(picture.convert("1"), format="PNG"),
    "16 bit grey PNG": file(grey16, format="PNG"),
    "PNG with alpha": file(alpha, format="PNG"),
    "grey PNG with alpha": file(alpha.convert("LA"), format="PNG"),
    "lossless WebP": file(picture, format="WEBP", lossless=True),
    "WebP with alpha": file(alpha, format="WEBP", lossless=True, exact=True),
    "GIF": file(picture.quantize(200), format="GIF", interlace=False),
    "interlaced GIF": file(picture.quantize(200), format="GIF", interlace=True),
    "animated GIF": file(picture.quantize(64), format="GIF", save_all=True, append_images=[picture.rotate(90).quantize(64)]),
    "24 bit BMP": file(picture, format="BMP"),
    "32 bit BMP": file(alpha, format="BMP"),
    "palette BMP": file(picture.quantize(16), format="BMP"),
    "one bit BMP": file(picture.convert("1"), format="BMP"),
    "grey BMP": file(picture.convert("L"), format="BMP"),
    "TIFF": file(picture, format="TIFF"),
    "LZW TIFF": file(picture, format="TIFF", compression="tiff_lzw"),
    "deflated TIFF": file(picture, format="TIFF", compression="tiff_adobe_deflate"),
    "grey TIFF": file(picture.convert("L"), format="TIFF"),
    "one bit TIFF": file(picture.convert("1"), format="TIFF", compression="group4"),
    "TIFF with alpha": file(picture.convert("RGBA"), format="TIFF"),
    "AVIF": file(picture.resize((W * 4, H * 4)), format="AVIF", quality=95, subsampling="4:4:4"),
    "HEIC": file(picture.resize((W * 4, H * 4)), format="HEIF", quality=95, chroma=444),
    # Subsamplings that the usual names leave out, and four components.
    "JPEG 3x1,1x1,1x1": jpeg([(3, 1), (1, 1), (1, 1)], (50, 30)),
    "JPEG 4x2,1x1,1x1": jpeg([(4, 2), (1, 1), (1, 1)], (50, 30)),
    "JPEG 1x4,1x1,1x1": jpeg([(1, 4), (1, 1), (1, 1)], (50, 30)),
    "JPEG 2x2,2x1,1x2": jpeg([(2, 2), (2, 1), (1, 2)], (50, 30)),
    "JPEG 2x2,1x1,2x2": jpeg([(2, 2), (1, 1), (2, 2)], (50, 30)),
    "JPEG 1x1,2x2,2x2": jpeg([(1, 1), (2, 2), (2, 2)], (50, 30)),
    "CMYK JPEG 2x2,1x1,1x1,2x2": jpeg([(2, 2), (1, 1), (1, 1), (2, 2)], (50, 30), adobe=0),
    "YCCK JPEG": jpeg([(2, 2), (1, 1), (1, 1), (2, 2)], (50, 30), adobe=2),
    "CMYK JPEG without Adobe segment": jpeg([(1, 1)] * 4),
    "RGB JPEG": jpeg([(1, 1)] * 3, adobe=0),
    "gray JPEG of factors 2x2": jpeg([(2, 2)], (50, 30)),
    # Harmless warnings.
    "JPEG whose scan ends at coefficient 0": baseline[: scan + 12] + b"\0" + baseline[scan + 13 :],
    "JPEG with stray bytes between segments": baseline[:scan] + b"\0\1\2" + baseline[scan:],
    "JPEG with an unknown Adobe transform": jpeg([(1, 1)] * 3, adobe=9),
    # Orientation, however it is stored.
    "JPEG of orientation 6 as LONG, big end first": file(picture, format="JPEG", exif=exif(4, ">")),
    "JPEG of orientation 8 in XMP": file(picture, format="JPEG", xmp=b'<x tiff:Orientation="8"/>'),
    "PNG with eXIf behind its data": png(2, 8, [row.tobytes() for row in rgb], after=chunk(b"eXIf", exif(3, "<"))),
    "PNG with a prefix in eXIf": png(2, 8, [row.tobytes() for row in rgb], chunk(b"eXIf", b"Exif\0\0" + exif(3, ">"))),
    "PNG with a raw profile": png(
        2, 8, [row.tobytes() for row in rgb],
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n   26\n" + exif(3, "<", 5).hex().encode() + b"\n"))),
    "WebP of orientation 3": file(picture, format="WEBP", lossless=True, exif=b"Exif\0\0" + exif(3, "<", 3)),
    "TIFF of orientation 7 as LONG": tiff_of(3, 8, 2, rgb.tobytes(), (274, 4, [7])),
    # PNG.
    "PNG with gAMA": png(2, 8, [row.tobytes() for row in rgb], chunk(b"gAMA", struct.pack(">I", 100000))),
    "PNG of 16 bits": png(2, 16, [row.tobytes() for row in deep[..., :3].astype(">u2")]),
    "PNG of 16 bits with alpha": png(6, 16, [row.tobytes() for row in deep.astype(">u2")]),
    "PNG of 16-bit gray with alpha": png(4, 16, [row.tobytes() for row in deep[..., :2].astype(">u2")]),
    "PNG of 2-bit gray": png(0, 2, packed(indices % 4, 2)),
    "PNG of 4-bit gray": png(0, 4, packed(indices, 4)),
    "PNG of 4-bit palette with tRNS": png(
        3, 4, packed(indices, 4), chunk(b"PLTE", bytes(c for i in range(16) for c in palette[4 * i : 4 * i + 3]))
        + chunk(b"tRNS", bytes(16))),
    "PNG of a short palette": png(3, 4, packed(indices, 4), chunk(b"PLTE", bytes(range(30)))),
    "PNG of a transparent gray": png(0, 8, [bytes(row) for row in ramp.astype(np.uint8)], chunk(b"tRNS", b"\0\7")),
    "PNG whose data has a wrong checksum": png(2, 8, [row.tobytes() for row in rgb])[:-16] + b"abcd" + chunk(b"IEND", b""),
    "animated PNG": file(picture, format="PNG", save_all=True, append_images=[picture.rotate(180)]),
    # WebP and GIF.
    "animated WebP": file(picture, format="WEBP", save_all=True, append_images=[picture.rotate(180)], lossless=True),
    "animated WebP whose first image is inside": webp_frame(webp, 4, 2),
    "GIF whose image is inside": gif_frame[:6] + struct.pack("<HH", 40, 30) + gif_frame[10:descriptor] + b","
    + struct.pack("<HH", 7, 5) + gif_frame[descriptor + 5 :],
    "GIF whose image is larger than its screen": gif_frame[:6] + struct.pack("<HH", 10, 5) + gif_frame[10:],
    # BMP.
    "BMP of runs of 8 bits": bmp(8, 1, run_lengths(indices, False), palette),
    "BMP of runs of 4 bits": bmp(4, 2, run_lengths(indices, True), palette),
    "BMP of 4 bits from the top": bmp(4, 0, b"".join(packed(indices, 4)), palette, height=-H),
    "BMP of 5, 5 and 5 bits": bmp(16, 0, (x_ | y_ << 5 | (x_ + 7) % 32 << 10).astype("<u2").tobytes()),
    "BMP of 5, 6 and 5 bits": bmp(16, 3, (x_ | y_ << 5 | (x_ + 7) % 32 << 11).astype("<u2").tobytes(),
                                  masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)),
    "BMP of OS/2": b"BM" + struct.pack("<IHHIIHHHH", 0, 0, 0, 26 + 48, 12, W, H, 1, 4)
    + bytes(c for i in range(16) for c in palette[4 * i : 4 * i + 3]) + b"".join(packed(indices, 4)),
    # TIFF.
    "BigTIFF": file(picture, format="TIFF", big_tiff=True),
    "TIFF with colors of opacity 0": file(hidden, format="TIFF"),
    "TIFF with colors that are multiplied": tiff_of(4, 8, 2, half.tobytes(), (338, 3, [1])),
    "TIFF with an unknown extra sample": tiff_of(4, 8, 2, np.dstack([rgb, rgb[..., :1]]).tobytes(), (338, 3, [0])),
    "TIFF of 16 bits": tiff_of(3, 16, 2, deep[..., :3].astype("<u2").tobytes()),
    "TIFF of separate planes": tiff([(256, 3, [W]), (257, 3, [H]), (258, 3, [8, 8, 8]), (259, 3, [1]), (262, 3, [2]), (277, 3, [3]),
                                     (278, 3, [H]), (284, 3, [2]), (273, 4, [8, 8 + W * H, 8 + 2 * W * H]), (279, 4, [W * H] * 3)],
                                    np.moveaxis(rgb, 2, 0).tobytes()),
    "TIFF of inks": file(picture.convert("CMYK"), format="TIFF"),
    "TIFF of palette": file(picture.quantize(200), format="TIFF"),
    "TIFF of 1-bit palette": tiff_of(1, 1, 3, b"".join(packed(indices % 2, 1)), (320, 3, [9000, 60000, 100, 40000, 65535, 0])),
    "TIFF of 2-bit gray": tiff_of(1, 2, 1, b"".join(packed(indices % 4, 2))),
    "TIFF of 4-bit white first": tiff_of(1, 4, 0, b"".join(packed(indices, 4))),
    "TIFF of whole numbers of 32 bits": tiff_of(1, 32, 1, (ramp * 2 - 100).astype("<i4").tobytes(), (339, 3, [2])),
    "TIFF of floating point": tiff_of(1, 32, 1, (ramp * 1.7 - 20).astype("<f4").tobytes(), (339, 3, [3])),
    "TIFF of JPEG": file(picture, format="TIFF", compression="jpeg"),
    "PackBits TIFF": file(picture, format="TIFF", compression="packbits"),
    "TIFF of group 3": file(picture.convert("1"), format="TIFF", compression="group3"),
    "TIFF of two pages": file(picture, format="TIFF", save_all=True, append_images=[picture.rotate(180)]),
    # AVIF, whose chroma is filtered.
    "AVIF 4:2:0": file(picture.resize((W * 4 + 1, H * 4 + 1)), format="AVIF", quality=95, subsampling="4:2:0"),
    "AVIF 4:2:2": file(picture.resize((W * 4, H * 4)), format="AVIF", quality=95, subsampling="4:2:2"),
    "gray AVIF": file(picture.convert("L").resize((W * 4, H * 4)), format="AVIF", quality=95),
    "AVIF of orientation 6": file(picture.resize((W * 4, H * 4)), format="AVIF", quality=95, exif=exif(3, "<")),
    "AVIF of BT.709": with_matrix(file(strong.resize((W * 4, H * 4)), format="AVIF", quality=95, range="limited"), 1),
    "AVIF of BT.2020": with_matrix(file(strong.resize((W * 4, H * 4)), format="AVIF", quality=95, range="limited"), 9),
    "AVIF of premultiplied colors": file(alpha.resize((W * 4, H * 4)), format="AVIF", quality=95, alpha_premultiplied=True),
    "AVIF of plain RGB with opacity": file(alpha, format="AVIF", quality=100, subsampling="4:4:4"),
    "AVIF of 10 bits with opacity": imagecodecs.avif_encode(
        (np.asarray(alpha).astype(np.uint16) * 4 + 1), bitspersample=10, pixelformat="444", codec="aom"),
    # HEIC as libheif since 1.19 converts it: chroma is filtered only where it must be turned.
    **{f"HEIC {chroma}, {'full' if full else 'limited'} range":
       heic((40, 24), chroma=chroma, full_range_flag=full, matrix_coefficients=1) for chroma in (420, 422, 444) for full in (0, 1)},
    **{f"HEIC of odd size, orientation {value}": heic((33, 21), chroma=420, exif=turned(value)) for value in range(2, 9)},
    **{f"HEIC 4:2:2 of odd size, orientation {value}": heic((33, 21), chroma=422, exif=turned(value)) for value in (2, 3, 6)},
    "HEIC of BT.2020": heic((40, 24), chroma=420, full_range_flag=1, matrix_coefficients=9),
    "HEIC of chromaticities": heic((40, 24), chroma=444, full_range_flag=0, matrix_coefficients=12, color_primaries=9),
    "gray HEIC": heic((40, 24), mode="L"),
    "HEIC with opacity": heic((40, 24), mode="RGBA"),
    "HEIC in tiles": heic((150, 90), chroma=420, grid_tile_size=64),
    **{f"HEIC of 10 bits, {chroma}, {'full' if full else 'limited'} range":
       deep_heic((40, 24), chroma=chroma, full_range_flag=full) for chroma in (420, 422, 444) for full in (0, 1)},
    "TIFF of Y, Cb and Cr": file(picture.convert("YCbCr"), format="TIFF"),
    "TIFF of CIELAB": file(
        ImageCms.profileToProfile(picture, profile("sRGB"), profile("LAB"), outputMode="LAB"), format="TIFF"),
    "TIFF of multiplied gray": tiff_of(
        2, 8, 1, np.dstack([ramp // 2, (y_ * 255 // (H - 1))]).astype(np.uint8).tobytes(), (338, 3, [1])),
    "GIF of wide codes": wide_gif(indices),
    "DIB": file(picture.quantize(16), format="DIB"),
    "DIB of 24 bits": file(picture, format="DIB"),
}
fixtures = []
for name, data in files.items():
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I;16"):
        # Pillow would clip them at 255; OpenCV takes the upper byte.
        pixels = np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, 2)
    elif image.mode == "LAB":
        pixels = np.asarray(ImageCms.profileToProfile(image, profile("LAB"), profile("sRGB"), outputMode="RGB"))
    elif image.mode == "La":
        pixels = np.asarray(image.convert("LA").convert("RGB"))
    elif image.mode in ("RGBA", "LA"):
        pixels = np.asarray(image.convert("RGBA"))[..., :3]
    else:
        pixels = np.asarray(image.convert("RGB"))
    fixtures.append({"name": name, "width": image.width, "height": image.height, "file": base64.b64encode(data).decode(),
                     "pixels": base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()})
path = pathlib.Path(__file__).parent.parent / "Tests" / "TestSupport" / "Fixtures" / "pictures.json"
path.write_text("[" + ",\n".join(map(json.dumps, fixtures)) + "]\n")
