"""Writes Sources/Imaging/Drawing/BitmapFont+Glyphs.swift: the glyphs that labels are drawn with.

The font is Roboto Regular (Apache License 2.0, Google Inc.), which Debian packages. Its glyphs are drawn in cells of 32
rows and stored with 16 levels of coverage per pixel. They are drawn four times as large and then averaged, which leaves
their shapes unhinted. Another version of Pillow brings another FreeType, which may change single levels of coverage.

    apt-get install fonts-roboto-unhinted
    pip install pillow==13.0.0 fonttools
    python3 scripts/make_font.py [FONT.ttf]

The script exits with an error and leaves the Swift file unchanged if the font lacks one of the characters, if a glyph
is blank or does not fit into its cell, or if two glyphs are equal.
"""

from __future__ import annotations

import pathlib
import sys
import unicodedata
from typing import NoReturn

from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "Sources/Imaging/Drawing/BitmapFont+Glyphs.swift"
FONT = "/usr/share/fonts/truetype/roboto/unhinted/RobotoTTF/Roboto-Regular.ttf"
SIZE = 26  # Pixels per em; capital letters are 18.5 rows high.
ROWS = 32
BASELINE = 25  # Rows above the baseline. The others hold descenders and cedillas.
SINK = 2  # Rows by which a glyph may be lowered to fit: Vietnamese capitals with two marks above.
SCALE = 4
PAD = 16  # Pixels around a glyph that are searched for ink outside its cell.
COLUMNS = 120

CHARACTERS = [
    # ASCII and Latin-1 without the spaces and the soft hyphen, then Latin Extended-A.
    *map(chr, [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100), *range(0x100, 0x180)]),
    # Romanian, German, Welsh, Vietnamese.
    *"ȘșȚțẞẀẁẂẃẄẅƠơƯư",
    *map(chr, range(0x1EA0, 0x1EFA)),
    # Azerbaijani, and African languages.
    *"ƏəƁɓƊɗƎƐɛƆɔƘƙƳƴƷʒ",
    # Punctuation, signs, indices and currencies.
    *"–—‘’‚“”„†‡•…‰‹›⁄−≈≠≤≥∞™№ℓ",
    *"⁰⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ₀₁₂₃₄₅₆₇₈₉₊₋₍₎",
    *"€₤₦₩₪₫₱₲₴₵₹₺₽",
]

# Characters that share the glyph of the first one, because they are meant to look the same.
SAME = {"'": "′", '"': "″", "Ð": "ĐƉ", "-": "‐‑", "—": "―", "’": "ʼ", "‘": "ʻ", "ə": "ǝ"}

# Letters with marks that have no glyph of their own are drawn as the nearest letter that has one.
COMPOSED = [*range(0x180, 0x250), *range(0x1E00, 0x1F00)]


def fail(message: str) -> NoReturn:
    """Ends the script without writing anything."""
    sys.exit(f"make_font: {message}. Nothing was written.")


def draw(font: ImageFont.FreeTypeFont, character: str) -> tuple[int, bytes]:
    """Returns the width of a glyph and its coverage, 0...15, column by column."""
    advance = max(1, round(font.getlength(character) / SCALE))
    size = (advance + 2 * PAD, ROWS + 2 * PAD)
    image = Image.new("L", (SCALE * size[0], SCALE * size[1]), 0)
    origin = (SCALE * PAD, SCALE * (PAD + BASELINE))
    ImageDraw.Draw(image).text(origin, character, fill=255, font=font, anchor="ls")
    image = image.resize(size, Image.BOX).point([round(value / 17) for value in range(256)])
    if image.getbbox() is None:
        fail(f"the glyph of '{character}' is blank")
    left, top, right, bottom = image.getbbox()
    sink = max(0, PAD - top)
    if sink > SINK or bottom + sink > PAD + ROWS:
        fail(f"the glyph of '{character}' takes rows {top - PAD}..<{bottom - PAD} of {ROWS}")
    # Ink outside the advance width, such as the dots of a narrow ï, widens the cell.
    left, right = min(left, PAD), max(right, PAD + advance)
    image = image.crop((left, PAD - sink, right, PAD - sink + ROWS))
    return image.width, image.transpose(Image.TRANSPOSE).tobytes()


def encode(values: bytes) -> str:
    """Writes hexadecimal digits; a letter from 'g' on makes a run of 3, 4, ... 22 of the digit before it."""
    digits = "".join(f"{value:x}" for value in values).rstrip("0")
    text, at = "", 0
    while at < len(digits):
        length = 1
        while length < 22 and digits[at : at + length + 1] == digits[at] * (length + 1):
            length += 1
        text += digits[at] * min(length, 2) if length < 3 else digits[at] + chr(ord("g") + length - 3)
        at += length
    return text


def nearest(letter: str, glyphs: dict[str, tuple[int, bytes]]) -> str | None:
    """Returns the letter without the marks for which there is no glyph, or None."""
    base, *marks = list(unicodedata.normalize("NFD", letter))
    for mark in marks:
        composed = unicodedata.normalize("NFC", base + mark)
        if composed in glyphs:
            base = composed
    return base if base in glyphs and marks else None


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else FONT
    tables = TTFont(path)
    font = ImageFont.truetype(path, SIZE * SCALE, layout_engine=ImageFont.Layout.BASIC)
    known = tables.getBestCmap()
    missing = "".join(character for character in CHARACTERS if known.get(ord(character), ".notdef") == ".notdef")
    if missing:
        fail(f"{path} lacks {missing}")

    glyphs: dict[str, tuple[int, bytes]] = {}
    drawn: dict[tuple[int, bytes], str] = {}
    shared = {other: first for first, others in SAME.items() for other in others}
    for character in CHARACTERS:
        if character in shared:
            continue
        glyph = draw(font, character)
        if glyph in drawn:
            fail(f"the glyphs of '{drawn[glyph]}' and '{character}' are equal")
        drawn[glyph] = character
        glyphs[character] = glyph

    names = {first: first + others for first, others in SAME.items()}
    for letter in map(chr, COMPOSED):
        base = None if letter in glyphs or letter in shared else nearest(letter, glyphs)
        if base:
            names[base] = names.get(base, base) + letter

    def record(number: int) -> str:
        return tables["name"].getDebugName(number)

    lines = [
        f"// Generated by scripts/make_font.py from {record(4)}, {record(5)}. Do not edit.",
        f"// {record(0)} {record(13)}.",
        "",
        "extension BitmapFont {",
        "    /// Width of a space.",
        f"    static let spaceWidth = {max(1, round(font.getlength(' ') / SCALE))}",
        "",
        "    /// One glyph per line: the characters that it stands for, its width, and its pixels, column by column,",
        "    /// as hexadecimal digits. A letter `g`...`z` makes a run of 3...22 of the digit before it. Zeros at the",
        "    /// end are left out.",
        '    static let glyphs = """',
    ]
    for character, (width, values) in glyphs.items():
        name = names.get(character, character).replace("\\", "\\\\")
        text = f"{name} {width} {encode(values)}"
        while text:
            cut = COLUMNS - 9 if len(text) > COLUMNS - 8 else len(text)
            lines.append(" " * 8 + text[:cut] + ("\\" if cut < len(text) else ""))
            text = text[cut:]
    lines += ['        """', "}"]
    OUTPUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(glyphs)} glyphs for {sum(len(names.get(each, each)) for each in glyphs)} characters")


if __name__ == "__main__":
    main()
