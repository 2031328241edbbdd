"""What is under and around the things: surfaces, rooms with their lamps, and the reliefs of coins."""

from __future__ import annotations

import math
import pathlib
import sys

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "render"))
import designs
import surfaces

# Maps of light, lamps (azimuth, elevation, radius, power, area), and the light from above and from beside.
Lamp = tuple[float, float, float, np.ndarray, int]
Place = tuple[np.ndarray, list[Lamp], tuple[np.ndarray, np.ndarray]]

ROWS, COLUMNS = 32, 64
SHEETS = {"wood": 0.26, "cloth": 0.13, "tiles": 0.05, "stone": 0.1, "metal": 0.04, "plain": 0.14, "desk": 0.18, "paper": 0.04,
          "page": 0.06}


def page(rng: np.random.Generator) -> surfaces.Surface:
    """A page of a notebook: lines, squares or none, and writing."""
    n = surfaces.SIZE
    color = np.full((n, n, 3), rng.uniform(0.6, 0.9)) * (1 - rng.uniform(0, 0.12, 3))
    color *= (1 - 0.06 * surfaces.noise(rng, 60))[..., None]
    pitch, ink = int(rng.integers(20, 60)), np.array([[0.2, 0.35, 0.7], [0.4, 0.4, 0.4], [0.7, 0.3, 0.3]][rng.integers(3)])
    ruled = rng.integers(3)
    if ruled:
        color[::pitch] = color[1::pitch] = ink
    if ruled == 2:
        color[:, ::pitch] = color[:, 1::pitch] = ink
    if rng.random() < 0.6:
        image = Image.new("L", (n, n), 0)
        draw = ImageDraw.Draw(image)
        for y in range(pitch, n - pitch, pitch):
            x = rng.uniform(0, 80)
            while x < n * rng.uniform(0.4, 1) and rng.random() < 0.95:
                w = rng.uniform(15, 90)
                points = [(x + w * t, y - pitch * 0.35 + pitch * 0.3 * math.sin(t * w * 0.6 + x) * rng.uniform(0.3, 1))
                          for t in np.linspace(0, 1, 24)]
                draw.line(points, fill=220, width=int(rng.integers(1, 4)))
                x += w + rng.uniform(8, 25)
        written = np.asarray(image, np.float32)[..., None] / 255
        color = color * (1 - written) + np.array([[0.01, 0.02, 0.2], [0.02, 0.02, 0.02]][rng.integers(2)]) * written
    return color, surfaces.noise(rng, 2) * 0.05, rng.uniform(0.5, 0.9)


def place(rng: np.random.Generator) -> Place:
    """A room as four maps of light, ever more blurred: walls, windows, lamps; and where the brightest light is."""
    y, _ = np.mgrid[0:ROWS, 0:COLUMNS]
    up = 1 - 2 * (y + 0.5) / ROWS
    wall, ceiling, floor = (rng.uniform(0.05, 0.6) * (1 + rng.normal(0, 0.12, 3)) for _ in range(3))
    t = np.clip(up[..., None] * 1.5, -1, 1)
    light = np.where(t > 0, wall * (1 - t) + ceiling * t, wall * (1 + t) + floor * -t)
    light = light * (0.6 + 0.8 * ndimage.gaussian_filter(rng.random((ROWS, COLUMNS)), 3,
                                                                  mode=("nearest", "wrap"))[..., None])
    for _ in range(rng.integers(2, 9)):  # furniture, pictures, dark corners
        a, b, h, w = rng.integers(0, ROWS * 2 // 3), rng.integers(0, COLUMNS), rng.integers(2, 12), rng.integers(2, 16)
        light[a:a + h, np.arange(b, b + w) % COLUMNS] *= rng.uniform(0.1, 2.2)
    plain, lamps = light.copy(), []
    for _ in range(rng.integers(1, 5)):
        a, b, h, w = rng.integers(0, ROWS // 2 - 3), rng.integers(0, COLUMNS), rng.integers(1, 8), rng.integers(1, 12)
        power = rng.uniform(2, 14) * np.clip(1 + rng.normal(0, 0.12) * np.array([1, 0.1, -1]), 0.5, 1.5)
        light[a:a + h, np.arange(b, b + w) % COLUMNS] = power
        elevation, azimuth = math.pi / 2 - math.pi * (a + h / 2) / ROWS, 2 * math.pi * ((b + w / 2) / COLUMNS - 0.5)
        lamps.append((azimuth, elevation, math.hypot(h * math.pi / ROWS, w * 2 * math.pi / COLUMNS * math.cos(elevation)) / 2,
                      power, h * w))
    levels = [light] + [ndimage.gaussian_filter(light, (s, s, 0), mode=("nearest", "wrap", "nearest"))
                        for s in (0.8, 2.5, 6)]
    soft = 0.85 * plain + 0.15 * light  # what lights from everywhere
    return np.stack(levels).astype(np.float32), lamps, (soft[:ROWS // 2].mean((0, 1)), soft[ROWS // 3:].mean((0, 1)))


def sheet(seed: int) -> tuple[str, np.ndarray, float]:
    """A surface as bytes: red, green and blue as square roots, and height; and its kind and roughness."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(list(SHEETS), p=np.array(list(SHEETS.values())) / sum(SHEETS.values()))
    color, height, rough = (page if kind == "page" else surfaces.KINDS[kind][0])(rng)
    height = (height - height.min()) / (np.ptp(height) + 1e-6)
    return kind, np.concatenate([np.sqrt(np.clip(color, 0, 1)), height[..., None]], -1).__mul__(255).astype(np.uint8), rough


def relief(seed: int) -> np.ndarray:
    return designs.design(seed)["height"]


def place_of(seed: int) -> Place:
    return place(np.random.default_rng(seed))
