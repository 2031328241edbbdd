"""What the objects lie on: colour and height maps of wood, cloth, tiles, stone, metal, paper and skin.

Each function returns (colour [S, S, 3] in linear 0...1, height [S, S] in 0...1, roughness); all are made from noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

Surface = tuple[np.ndarray, np.ndarray, float]

SIZE = 768


def noise(rng: np.random.Generator, sigma: float, stretch: tuple[float, float] = (1, 1)) -> np.ndarray:
    """Band-limited noise in 0...1; `sigma` in pixels, `stretch` along y and x."""
    spectrum = np.fft.rfft2(rng.normal(0, 1, (SIZE, SIZE)))
    field = np.fft.irfft2(ndimage.fourier_gaussian(spectrum, (sigma * stretch[0], sigma * stretch[1]), n=SIZE)).astype(np.float32)
    return (field - field.min()) / (np.ptp(field) + 1e-9)


def fractal(rng: np.random.Generator, octaves: int = 5, largest: float = 90, stretch: tuple[float, float] = (1, 1)) -> np.ndarray:
    total = sum(noise(rng, largest / 2**k, stretch) / 1.7**k for k in range(octaves))
    return (total - total.min()) / np.ptp(total)


def mix(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.asarray(a)[None, None, :] * (1 - t[..., None]) + np.asarray(b)[None, None, :] * t[..., None]


def colour(rng: np.random.Generator, low: float = 0.02, high: float = 0.8, saturation: float = 0.5) -> np.ndarray:
    value = rng.uniform(low, high)
    return np.clip(value * (1 + rng.uniform(-saturation, saturation, 3)), 0.005, 0.95)


def wood(rng: np.random.Generator) -> Surface:
    y, _ = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    warp = fractal(rng, 4, 120, (1, rng.uniform(2, 5)))
    rings = 0.5 + 0.5 * np.sin((y * rng.uniform(4, 16) + warp * rng.uniform(1, 7)) * 2 * math.pi)
    grain = fractal(rng, 5, 30, (0.1, rng.uniform(4, 9)))
    t = np.clip(rings * rng.uniform(0.2, 0.8) + grain * rng.uniform(0.3, 0.9) - 0.2, 0, 1)
    base = np.array(rng.choice([[0.45, 0.25, 0.11], [0.6, 0.42, 0.25], [0.22, 0.09, 0.04], [0.7, 0.58, 0.42],
                                [0.3, 0.22, 0.16], [0.16, 0.05, 0.025]]))
    base = base * rng.uniform(0.7, 1.25) * (1 + rng.normal(0, 0.06, 3))
    image = mix(base, base * rng.uniform(0.25, 0.75), t)
    height = grain * 0.6 + rings * 0.1
    if rng.random() < 0.4:  # planks
        gaps = (np.abs((y * rng.integers(2, 6)) % 1 - 0.5) > 0.495).astype(np.float32)
        image *= 1 - 0.85 * gaps[..., None]
        height -= gaps
    if rng.random() < 0.25:  # weathered
        wear = np.clip(fractal(rng, 6, 60, (0.3, 2)) * 3 - 1.2, 0, 1)
        image = image * (1 - wear[..., None]) + mix([0.05, 0.04, 0.03], [0.5, 0.4, 0.3], grain) * wear[..., None]
    return image, height, rng.uniform(0.15, 0.7)


def cloth(rng: np.random.Generator) -> Surface:
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    period = rng.integers(5, 14)
    weave = np.sin(x * 2 * math.pi / period) * np.sin(y * 2 * math.pi / period + (x // period % 2) * math.pi)
    weave = weave * 0.5 + 0.5
    a = colour(rng, 0.02, 0.75)
    image = mix(a * rng.uniform(0.4, 0.8), a, weave * 0.7 + 0.3 * noise(rng, 1.5))
    if rng.random() < 0.5:  # stripes, checks
        b = colour(rng, 0.02, 0.75)
        width = rng.integers(30, 160)
        stripes = ((x // width) % 2).astype(np.float32)
        if rng.random() < 0.5:
            stripes = (stripes + (y // width) % 2) / 2
        image = image * (1 - 0.6 * stripes[..., None]) + b[None, None] * 0.6 * stripes[..., None]
    elif rng.random() < 0.4:  # melange
        image *= (0.4 + 1.2 * noise(rng, 1.2, (1, 6)))[..., None]
    return np.clip(image, 0, 1), weave, rng.uniform(0.7, 1.0)


def tiles(rng: np.random.Generator) -> Surface:
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    n = rng.integers(1, 5)
    width = rng.uniform(0.006, 0.02)
    grout = np.maximum(np.abs((x * n) % 1 - 0.5) > 0.5 - width, np.abs((y * n) % 1 - 0.5) > 0.5 - width).astype(np.float32)
    a = colour(rng, 0.25, 0.85, 0.15)
    image = mix(a, a * rng.uniform(0.5, 0.95), fractal(rng, 6, 80))
    image = image * (1 - grout[..., None]) + colour(rng, 0.05, 0.5, 0.1)[None, None] * grout[..., None]
    return image, (1 - grout) * 0.6 + 0.02 * fractal(rng), rng.uniform(0.05, 0.4)


def stone(rng: np.random.Generator) -> Surface:
    t = fractal(rng, 7, 60)
    image = mix(colour(rng, 0.02, 0.7, 0.2), colour(rng, 0.05, 0.8, 0.2), t)
    speckle = noise(rng, rng.uniform(0.8, 3))
    image *= (0.55 + 0.9 * speckle)[..., None]
    if rng.random() < 0.4:
        veins = np.exp(-np.abs(fractal(rng, 5, 120) - 0.5) * 60)
        image = image * (1 - 0.7 * veins[..., None]) + colour(rng)[None, None] * 0.7 * veins[..., None]
    return np.clip(image, 0, 1), t * 0.3 + speckle * rng.uniform(0, 0.5), rng.uniform(0.1, 0.9)


def metal(rng: np.random.Generator) -> Surface:
    brushed = noise(rng, 1.0, (0.6, 60))
    a = np.array([0.5, 0.5, 0.52]) * rng.uniform(0.4, 1.4)
    return np.clip(mix(a * 0.8, a, brushed), 0, 1), brushed * 0.3, rng.uniform(0.2, 0.5)


def plain(rng: np.random.Generator) -> Surface:
    a = colour(rng, 0.01, 0.9, rng.choice([0.05, 0.6]))
    t = fractal(rng, 3, 200)
    return np.clip(mix(a * rng.uniform(0.75, 1), a, t), 0, 1), noise(rng, 1.0) * 0.2, rng.uniform(0.2, 0.9)


def desk(rng: np.random.Generator) -> Surface:
    """A light board of one colour, as desks and kitchens have: faint clouds, faint grain, some with specks."""
    a = colour(rng, 0.3, 0.9, 0.12)
    clouds = mix(a * rng.uniform(0.88, 0.98), a, fractal(rng, 3, 220))
    image = clouds * (1 + rng.uniform(0, 0.03) * (noise(rng, 1.0) - 0.5))[..., None]
    if rng.random() < 0.3:
        image = image * (1 - rng.uniform(0.1, 0.5) * (noise(rng, 1.2) > 0.78))[..., None]
    return np.clip(image, 0, 1), noise(rng, 1.5) * rng.uniform(0, 0.12), rng.uniform(0.15, 0.7)


def paper(rng: np.random.Generator) -> Surface:
    """Printed matter: text, discs, rings and blocks, so that a drawn circle is not taken for a coin."""
    a = colour(rng, 0.5, 0.9, 0.08)
    image = Image.new("RGB", (SIZE, SIZE), tuple(int(255 * v ** 0.45) for v in a))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(4, 40)):
        ink = tuple(int(v) for v in rng.integers(0, 255, 3))
        x, y, r = rng.uniform(0, SIZE), rng.uniform(0, SIZE), rng.uniform(6, 90)
        kind = rng.integers(5)
        if kind == 0:
            draw.ellipse([x - r, y - r, x + r, y + r], fill=ink)
        elif kind == 1:
            draw.ellipse([x - r, y - r, x + r, y + r], outline=ink, width=int(rng.integers(2, 9)))
        elif kind == 2:
            draw.rectangle([x, y, x + r * 2, y + r], fill=ink)
        else:
            text = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz     "), rng.integers(4, 40)))
            draw.text((x, y), text, fill=ink, font=ImageFont.load_default(int(rng.integers(9, 60))))
    return (np.asarray(image, np.float32) / 255) ** 2.2, noise(rng, 2) * 0.05, rng.uniform(0.3, 0.9)


def skin(rng: np.random.Generator) -> Surface:
    tone = np.array(rng.choice([[0.62, 0.36, 0.25], [0.5, 0.27, 0.17], [0.35, 0.17, 0.1], [0.18, 0.08, 0.05], [0.72, 0.47, 0.37]]))
    t = fractal(rng, 5, 70)
    image = mix(tone * 0.8, tone * 1.1, t)
    image[..., 0] += 0.06 * fractal(rng, 3, 60)
    lines = np.exp(-np.abs(fractal(rng, 4, 60, (2, 0.7)) - 0.5) * 80)
    image *= (1 - 0.35 * lines)[..., None]
    return np.clip(image, 0, 1), noise(rng, 1.3) * 0.5 - lines, rng.uniform(0.35, 0.6)


KINDS = {"wood": (wood, 0.3), "cloth": (cloth, 0.2), "tiles": (tiles, 0.1), "stone": (stone, 0.12), "metal": (metal, 0.05),
         "plain": (plain, 0.15), "desk": (desk, 0.25),
         "paper": (paper, 0.08)}


def surface(rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray, float]:
    names = list(KINDS)
    weights = np.array([KINDS[n][1] for n in names])
    name = names[rng.choice(len(names), p=weights / weights.sum())]
    return name, *KINDS[name][0](rng)
