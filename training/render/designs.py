"""Coin reliefs: a height map and a metal mask for each design, drawn with numpy and Pillow alone.

A design is a dictionary of two square float arrays: `height` (0 field ... 1 highest relief) and `ring`
(1 where a bimetallic coin has its second metal). Nothing here copies a real coin.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

SIZE = 384
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (SIZE, SIZE), 0)
    return image, ImageDraw.Draw(image)


def _circular_text(text: str, radius: float, size: int, start: float) -> Image.Image:
    """Letters around a circle, upright towards the centre."""
    image, _ = _canvas()
    font = ImageFont.load_default(size)
    angle = start
    for letter in text:
        tile = Image.new("L", (size * 2, size * 2), 0)
        ImageDraw.Draw(tile).text((size, size), letter, fill=255, font=font, anchor="mm")
        tile = tile.rotate(-math.degrees(angle) - 90, resample=Image.BICUBIC)
        x = SIZE / 2 + radius * math.cos(angle) - size
        y = SIZE / 2 + radius * math.sin(angle) - size
        image.paste(255, (int(x), int(y)), tile)
        angle += size * 0.78 / radius
    return image


def _smooth_blob(rng: np.random.Generator, radius: float, wobble: float, points: int = 14,
                 stretch: float = 1.0) -> list[tuple[float, float]]:
    """A closed curve around the centre whose radius varies smoothly."""
    phases = rng.uniform(0, 2 * math.pi, 6)
    weights = rng.normal(0, 1, 6) * wobble / np.arange(1, 7)
    curve = []
    for t in np.linspace(0, 2 * math.pi, points * 8, endpoint=False):
        r = radius * (1 + sum(w * math.cos(k * t + p) for k, (w, p) in enumerate(zip(weights, phases), 1)))
        curve.append((SIZE / 2 + r * math.cos(t) * stretch, SIZE / 2 + r * math.sin(t)))
    return curve


def _portrait(rng: np.random.Generator) -> Image.Image:
    """Something like a head in profile: a skull, a nose, a neck, locks of hair."""
    image, draw = _canvas()
    c, s = SIZE / 2, SIZE * rng.uniform(0.19, 0.25)
    side = rng.choice([-1, 1])
    draw.ellipse([c - s, c - 1.25 * s, c + s, c + 0.75 * s], fill=200)
    draw.polygon([(c - 0.55 * s, c), (c + 0.55 * s, c), (c + 0.95 * s, c + 1.7 * s), (c - 0.95 * s, c + 1.7 * s)], fill=170)
    draw.polygon([(c + side * 0.85 * s, c - 0.45 * s), (c + side * 1.28 * s, c + 0.12 * s), (c + side * 0.8 * s, c + 0.2 * s)],
                 fill=200)
    draw.ellipse([c + side * 0.55 * s - 0.35 * s, c + 0.2 * s, c + side * 0.55 * s + 0.35 * s, c + 0.85 * s], fill=190)
    for _ in range(rng.integers(15, 50)):
        a = rng.uniform(0, 2 * math.pi)
        x, y = c - side * 0.25 * s + 0.7 * s * math.cos(a), c - 0.4 * s + 0.75 * s * math.sin(a)
        r = s * rng.uniform(0.08, 0.22)
        draw.arc([x - r, y - r, x + r, y + r], rng.uniform(0, 180), rng.uniform(180, 360), fill=int(rng.integers(90, 255)), width=3)
    return image


def _number(rng: np.random.Generator) -> Image.Image:
    image, draw = _canvas()
    text = str(rng.choice(["1", "2", "5", "10", "20", "25", "50", "100", "½", "3", "500"]))
    size = int(SIZE * (0.55 if len(text) == 1 else 0.36 if len(text) == 2 else 0.26))
    draw.text((SIZE / 2, SIZE / 2 + rng.uniform(-20, 20)), text, fill=240, font=ImageFont.load_default(size), anchor="mm",
              stroke_width=int(rng.integers(0, 5)), stroke_fill=240)
    if rng.random() < 0.5:
        word = "".join(rng.choice(list(LETTERS), rng.integers(4, 7)))
        draw.text((SIZE / 2, SIZE * 0.72), word, fill=220, font=ImageFont.load_default(int(SIZE * 0.08)), anchor="mm")
    return image


def _building(rng: np.random.Generator) -> Image.Image:
    image, draw = _canvas()
    c, w, h = SIZE / 2, SIZE * rng.uniform(0.2, 0.3), SIZE * rng.uniform(0.1, 0.18)
    draw.rectangle([c - w, c + h, c + w, c + h * 1.3], fill=230)
    draw.polygon([(c - w, c - h), (c + w, c - h), (c, c - h * rng.uniform(1.6, 2.6))], fill=220)
    columns = int(rng.integers(4, 9))
    for i in range(columns):
        x = c - w * 0.9 + 1.8 * w * i / (columns - 1)
        draw.rectangle([x - 5, c - h, x + 5, c + h], fill=210)
    return image


def _arms(rng: np.random.Generator) -> Image.Image:
    image, draw = _canvas()
    c, s = SIZE / 2, SIZE * rng.uniform(0.17, 0.25)
    draw.polygon([(c - s, c - s), (c + s, c - s), (c + s, c + 0.3 * s), (c, c + 1.3 * s), (c - s, c + 0.3 * s)], fill=120)
    for _ in range(rng.integers(3, 9)):
        x, y, r = c + rng.uniform(-0.7, 0.7) * s, c + rng.uniform(-0.8, 0.6) * s, s * rng.uniform(0.12, 0.4)
        draw.polygon([(x + r * math.cos(a), y + r * math.sin(a)) for a in rng.uniform(0, 2 * math.pi, 5)],
                     fill=int(rng.integers(160, 255)))
    for side in (-1, 1):
        for k in range(9):
            a = math.pi / 2 + side * (0.3 + k * 0.25)
            x, y = c + SIZE * 0.31 * math.cos(a), c + SIZE * 0.31 * math.sin(a)
            draw.ellipse([x - 11, y - 6, x + 11, y + 6], fill=200)
    return image


def _creature(rng: np.random.Generator) -> Image.Image:
    image, draw = _canvas()
    for _ in range(rng.integers(2, 6)):
        blob = _smooth_blob(rng, SIZE * rng.uniform(0.08, 0.2), 0.35, stretch=rng.uniform(0.6, 1.5))
        dx, dy = rng.normal(0, SIZE * 0.06, 2)
        draw.polygon([(x + dx, y + dy) for x, y in blob], fill=int(rng.integers(130, 255)))
    for _ in range(rng.integers(5, 25)):
        x, y = rng.normal(SIZE / 2, SIZE * 0.1, 2)
        a, length = rng.uniform(0, math.pi), rng.uniform(10, 50)
        draw.line([(x, y), (x + length * math.cos(a), y + length * math.sin(a))], fill=int(rng.integers(60, 255)),
                  width=int(rng.integers(2, 6)))
    return image


MOTIFS = [_portrait, _portrait, _number, _building, _arms, _creature]


def design(seed: int) -> dict[str, np.ndarray]:
    """One face of a coin: height (relief) and ring (second metal), each SIZE x SIZE in 0...1."""
    rng = np.random.default_rng(seed)
    motif = MOTIFS[rng.integers(len(MOTIFS))](rng)
    layers = [motif.rotate(rng.normal(0, 4))]
    if rng.random() < 0.85:
        size = int(SIZE * rng.uniform(0.055, 0.09))
        count = int(rng.integers(8, 26))
        text = "".join(rng.choice(list(LETTERS + "    ·"), count))
        layers.append(_circular_text(text, SIZE * rng.uniform(0.37, 0.42), size, rng.uniform(0, 2 * math.pi)))
    if rng.random() < 0.4:
        image, draw = _canvas()
        for k in range(n := int(rng.integers(40, 90))):
            a = 2 * math.pi * k / n
            x, y = SIZE / 2 + SIZE * 0.455 * math.cos(a), SIZE / 2 + SIZE * 0.455 * math.sin(a)
            draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=220)
        layers.append(image)
    flat = np.maximum.reduce([np.asarray(layer, np.float32) / 255 for layer in layers])
    pillow = np.minimum(ndimage.distance_transform_edt(flat > 0.1) / rng.uniform(4, 14), 1)
    height = ndimage.gaussian_filter(flat * (0.35 + 0.65 * pillow), rng.uniform(0.6, 2.0))
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    radius = np.hypot(x, y)
    height += 0.9 / (1 + np.exp(-(radius - rng.uniform(0.455, 0.475)) * 300)) * (radius < 0.5)
    scratches = ndimage.gaussian_filter(rng.normal(0, 1, (SIZE, SIZE)), (0.5, rng.uniform(0.5, 12)))
    height += scratches / (np.abs(scratches).max() + 1e-6) * rng.uniform(0, 0.12)
    ring = (radius > rng.uniform(0.3, 0.38)).astype(np.float32)
    if rng.random() < 0.6:
        height += 0.25 * np.exp(-((radius - 0.34) / 0.006) ** 2) * (rng.random() < 0.3)
    return {"height": np.clip(height, 0, 1.2).astype(np.float32), "ring": ring}
