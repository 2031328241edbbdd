"""Puts rendered scenes on one sheet, to look at.

    python sheet.py SCENES sheet.jpg [--count 24] [--columns 8] [--side 220]

Outlines of the objects are drawn into every second one, in a colour for each class.
"""

from __future__ import annotations

import argparse
import json
import pathlib

import numpy as np
from PIL import Image

COLORS = {"coin": (255, 200, 0), "die": (0, 200, 255), "bolt": (255, 60, 160), "pen": (60, 220, 60)}


def outlined(picture: Image.Image, index: np.ndarray, names: list[str]) -> Image.Image:
    """The picture with every object's border in its class's colour."""
    pixels = np.asarray(picture).copy()
    border = np.zeros(index.shape, bool)
    border[:-1] |= index[:-1] != index[1:]
    border[:, :-1] |= index[:, :-1] != index[:, 1:]
    for number, name in enumerate(names, 1):
        own = index == number
        grown = own.copy()
        grown[:-1] |= own[1:]
        grown[:, :-1] |= own[:, 1:]
        pixels[border & grown] = COLORS[name]
    return Image.fromarray(pixels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=pathlib.Path)
    parser.add_argument("sheet")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--side", type=int, default=220)
    arguments = parser.parse_args()
    files = sorted(arguments.scenes.glob("*.json"))[: arguments.count]
    rows = -(-len(files) // arguments.columns)
    sheet = Image.new("RGB", (arguments.columns * arguments.side, rows * arguments.side), (40, 40, 40))
    for k, file in enumerate(files):
        picture = Image.open(file.with_suffix(".jpg"))
        if k % 2:
            picture = outlined(picture, np.asarray(Image.open(file.with_suffix(".png"))), json.loads(file.read_text())["classes"])
        picture.thumbnail((arguments.side - 4, arguments.side - 4))
        place = (k % arguments.columns * arguments.side, k // arguments.columns * arguments.side)
        sheet.paste(picture, (place[0] + (arguments.side - picture.width) // 2, place[1] + (arguments.side - picture.height) // 2))
    sheet.save(arguments.sheet, quality=88)


if __name__ == "__main__":
    main()
