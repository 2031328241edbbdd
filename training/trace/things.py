"""Things that lie on a table, as lists of shapes for trace.cu. Lengths are centimeters.

Every maker returns a `Thing`: shapes in its own frame (lying on z = 0, its length along x), half its length, half its width and
its height.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Row = list[float]
Vector: TypeAlias = "Sequence[float] | np.ndarray"

REVOLVED, BOX, RING, CAPSULE = range(4)


@dataclasses.dataclass
class Shape:
    kind: int
    numbers: list[float]  # of PROFILE on
    low: tuple[float, ...]
    high: tuple[float, ...]
    materials: list[Row]  # one to four rows, from low to high
    bands: Sequence[float] = ()  # heights at which the next material begins
    sides: float = 0
    thread: tuple[float, ...] = (0, 0, 0, 0)  # pitch, depth, from, to
    drive: tuple[float, ...] = (0, 0, 0, 0)  # kind, radius, depth, top
    special: tuple[Any, ...] = ()
    turn: np.ndarray = dataclasses.field(default_factory=lambda: np.eye(3))
    place: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(3))


@dataclasses.dataclass
class Thing:
    shapes: list[Shape]
    length: float  # half
    width: float  # half
    height: float


def rotation(axis: str, angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array({"x": [[1, 0, 0], [0, c, -s], [0, s, c]], "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
                     "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis])


# Materials: color, metallic, roughness, strength of the pattern, alpha, second color, pattern, its scale -----------

def material(color: Vector, metallic: float = 0.0, rough: float = 0.4, strength: float = 0.0, alpha: float = 1.0,
             second: Vector = (0, 0, 0), pattern: int = 0, scale: float = 1.0) -> Row:
    return [*np.clip(color, 0.004, 0.95), metallic, rough, strength, alpha, *np.clip(second, 0.004, 0.95), pattern, scale]


METALS = [(0.62, 0.60, 0.56), (0.80, 0.79, 0.76), (0.68, 0.48, 0.20), (0.80, 0.57, 0.24), (0.62, 0.31, 0.18), (0.42, 0.26, 0.13),
          (0.30, 0.27, 0.23), (0.78, 0.78, 0.79)]


def metal(rng: np.random.Generator, dark: bool = True) -> Row:
    base = [(0.62, 0.62, 0.63), (0.5, 0.5, 0.52), (0.75, 0.75, 0.76), (0.68, 0.66, 0.6), (0.7, 0.58, 0.25), (0.72, 0.5, 0.2),
            (0.05, 0.05, 0.055),
            (0.1, 0.1, 0.11), (0.3, 0.27, 0.24)][rng.integers(9 if dark else 4)]
    color = np.array(base) * rng.uniform(0.7, 1.25) * (1 + rng.normal(0, 0.03, 3))
    if dark and rng.random() < 0.18:  # rust, dirt
        return material(color, rng.uniform(0.6, 1), rng.uniform(0.3, 0.6), rng.uniform(0.4, 1), 1,
                        (0.25 * rng.uniform(0.5, 1.4), 0.1, 0.04), 2, rng.uniform(2, 9))
    return material(color, rng.uniform(0.85, 1), rng.uniform(0.14, 0.55))


def hue(rng: np.random.Generator) -> np.ndarray:
    """A saturated color, linear."""
    h, v = rng.uniform(0, 6), rng.uniform(0.15, 0.8)
    rgb = np.clip(np.array([abs(h - 3) - 1, 2 - abs(h - 2), 2 - abs(h - 4)]), 0, 1)
    return v * (rgb * rng.uniform(0.7, 1) + (1 - rgb) * rng.uniform(0, 0.25) ** 1.5)


def plastic(rng: np.random.Generator) -> Row:
    kind = rng.random()
    if kind < 0.22:
        color = rng.uniform(0.008, 0.04) * np.ones(3)
    elif kind < 0.4:
        color = rng.uniform(0.5, 0.9) * (1 - rng.uniform(0, 0.12, 3))
    elif kind < 0.75:
        color = hue(rng)
    elif kind < 0.88:
        color = 0.35 + 0.5 * hue(rng)  # pale
    else:
        color = 0.25 * hue(rng)
    return material(color, 0, rng.uniform(0.12, 0.6))


def printed(rng: np.random.Generator, row: Row) -> Row:
    """The same with words, rings or stripes on it."""
    row = list(row)
    if rng.random() < 0.5:
        row[5], row[7:10] = rng.uniform(0.6, 1), list(np.clip(hue(rng) if rng.random() < 0.4
                                                              else np.full(3, rng.choice([0.02, 0.85])), 0.004, 0.95))
        row[10], row[11] = int(rng.choice([3, 3, 3, 1, 4, 5])), rng.uniform(1, 4)
        if row[10] == 5:
            row[11] = float(rng.integers(2, 7))
    return row


def clear(rng: np.random.Generator) -> Row:
    tint = np.full(3, rng.uniform(0.75, 0.95)) if rng.random() < 0.6 else 0.4 + 0.55 * hue(rng)
    return material(tint, 0, rng.uniform(0.06, 0.25), alpha=rng.uniform(0.12, 0.5))


# Shapes -------------------------------------------------------------------------------------------------------------

def revolved(profile: Sequence[tuple[float, float]], materials: list[Row], bands: Sequence[float] = (), sides: int = 0,
             **more: Any) -> Shape:
    """`profile`: (radius, height) from the bottom to the top; it is closed along the axis."""
    points = [(0, profile[0][1]), *profile, (0, profile[-1][1])]
    points = points[:12]
    r = max(p[0] for p in points) / (math.cos(math.pi / sides) if sides else 1)
    return Shape(REVOLVED, [len(points), *[x for p in points for x in p]], (-r, -r, min(p[1] for p in points)),
                 (r, r, max(p[1] for p in points)),
                 materials, bands, sides, **more)


def box(half: Vector, radius: float, row: Row, **more: Any) -> Shape:
    half = np.asarray(half, float)
    return Shape(BOX, [0, *half, min(radius, float(half.min()) * 0.99)], tuple(-half), tuple(half), [row], **more)


def capsule(a: Vector, b: Vector, ra: float, rb: float, row: Row) -> Shape:
    a, b = np.asarray(a, float), np.asarray(b, float)
    r = max(ra, rb)
    return Shape(CAPSULE, [0, *a, *b, ra, rb], tuple(np.minimum(a, b) - r), tuple(np.maximum(a, b) + r), [row])


def ring(radius: float, thickness: float, row: Row) -> Shape:
    r = radius + thickness
    return Shape(RING, [0, radius, thickness], (-r, -r, -thickness), (r, r, thickness), [row])


def moved(shape: Shape, place: Vector = (0, 0, 0), turn: np.ndarray | None = None) -> Shape:
    turn = np.eye(3) if turn is None else turn
    return dataclasses.replace(shape, place=turn @ shape.place + np.asarray(place, float), turn=turn @ shape.turn)


def lying(shapes: list[Shape], length: float, radius: float, roll: float) -> Thing:
    """Lays shapes whose axis is z along x, rolled, with the middle at the origin."""
    turn = rotation("y", math.pi / 2) @ rotation("z", roll)
    return Thing([moved(s, (-length / 2, 0, radius), turn) for s in shapes], length / 2, radius, 2 * radius)
