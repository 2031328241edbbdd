"""Writes Sources/Imaging/Drawing/BitmapFont+Glyphs.swift: the letters that labels are drawn with.

They are those of Aileron Regular (CC0 1.0, by Sora Sagano), which Pillow carries as its default font, drawn at 32 pixels
and stored with 16 levels a pixel: one hexadecimal digit each.

    pip install pillow && python3 scripts/make_font.py > Sources/Imaging/Drawing/BitmapFont+Glyphs.swift
"""

from PIL import Image, ImageDraw, ImageFont

HEIGHT = 32
font = ImageFont.load_default(26)
ascent, descent = font.getmetrics()
print("// Made by scripts/make_font.py from Aileron Regular (CC0 1.0). Do not edit.\n")
print("extension BitmapFont {")
print("    /// Width and pixels of each glyph, 32 rows of one hexadecimal digit a pixel, rows of blanks at the end left out.")
print("    static let glyphs: [(character: Character, width: Int, pixels: String)] = [")
for code in list(range(0x20, 0x7F)) + list(range(0xA1, 0x100)):
    if code == 0xAD:
        continue
    character = chr(code)
    width = max(1, round(font.getlength(character)))
    image = Image.new("L", (width, HEIGHT), 0)
    ImageDraw.Draw(image).text((0, 2), character, fill=255, font=font)
    digits = "".join(f"{round(value / 17):x}" for value in image.getdata()).rstrip("0")
    name = {'"': '\\"', "\\": "\\\\"}.get(character, character)
    print(f'        ("{name}", {width}, "{digits}"),')
print("    ]")
print("}")
