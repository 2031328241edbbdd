"""Composes scenes for trace.cu: what lies where, the room and its lamps, the camera. A scene depends on its seed alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

import clutter
import fasteners
import money
import pens
import things
from things import moved, rotation

# A surface: its kind, nothing, its roughness. A room: see rooms.place. Scenes: numbers, shapes, materials, classes of each.
Sheet = tuple[str, None, float]
Place = tuple[np.ndarray, list[tuple[float, float, float, np.ndarray, int]], tuple[np.ndarray, np.ndarray]]
Batch = tuple[np.ndarray, np.ndarray, np.ndarray, list[list[int]]]

CLASSES = ["coin", "die", "bolt", "pen"]
THEMES = {"pen": 0.3, "bolt": 0.27, "coin": 0.15, "die": 0.06, "mixed": 0.12, "none": 0.1}


def pack(thing: things.Thing, where: Sequence[float], yaw: float, tilt: float, instance: int, shapes: list[np.ndarray],
         materials: list[things.Row]) -> None:
    turn = rotation("z", yaw) @ rotation("y", tilt)
    for s in thing.shapes:
        s = moved(s, where, turn)
        row = np.zeros(64, np.float32)
        row[0], row[1], row[2:5], row[5:14], row[14:17], row[17:20] = s.kind, instance, s.place, s.turn.ravel(), s.low, s.high
        row[20:20 + len(s.numbers)] = s.numbers
        row[45], row[46:50], row[50:54], row[54] = s.sides, s.thread, s.drive, len(materials)
        bands = list(s.bands)[:3]
        row[55:58] = bands + [1e9] * (3 - len(bands))
        materials.extend((list(s.materials) + [s.materials[-1]] * 4)[:4])
        if s.special:
            special = list(s.special)
            if special[0] == 2:  # a die's dark material
                materials.append(special[1])
                special[1] = len(materials) - 1
            row[58:58 + len(special)] = special
        shapes.append(row)


def apart(a: Sequence[float], b: Sequence[float]) -> float:
    """The distance between two segments on the table (x, y, yaw, half length)."""
    t = np.linspace(-1, 1, 9)
    p = np.stack([a[0] + t * a[3] * math.cos(a[2]), a[1] + t * a[3] * math.sin(a[2])], 1)
    q = np.stack([b[0] + t * b[3] * math.cos(b[2]), b[1] + t * b[3] * math.sin(b[2])], 1)
    return np.sqrt(((p[:, None] - q[None]) ** 2).sum(-1)).min()


def arrange(rng: np.random.Generator, items: list[things.Thing]) -> list[list[float] | None]:
    """Places for things, in a row, apart, near each other or across each other: x, y, z, yaw, tilt."""
    style = rng.choice(["apart", "row", "heap"], p=[0.55, 0.2, 0.25])
    poses: list[list[float]] = []
    laid: list[tuple[float, float, float, float, float, float]] = []
    if style == "row" and items:
        yaw, jitter = rng.uniform(0, 2 * math.pi), rng.choice([0.02, 0.1, 0.3])
        gap = rng.uniform(0.05, 1.5)
        at = 0.0
        for thing in items:
            at += thing.width
            along = rng.normal(0, 0.06) * thing.length
            flip = math.pi * (rng.random() < (0.1 if jitter < 0.2 else 0.5))
            poses.append([at * -math.sin(yaw) + along * math.cos(yaw), at * math.cos(yaw) + along * math.sin(yaw), 0.0,
                          yaw + flip + rng.normal(0, jitter), 0.0])
            at += thing.width + gap + 0.3 * jitter * thing.length
        middle = np.mean([p[:2] for p in poses], 0)
        for p in poses:
            p[0], p[1] = p[0] - middle[0], p[1] - middle[1]
        return list(poses)
    area = sum(max(t.length * 0.6, 0.7) * max(t.width, 0.7) * 4 for t in items)
    spread = math.sqrt(area) * (rng.uniform(0.7, 1.8) if style == "apart" else rng.uniform(0.35, 0.7))
    for thing in items:
        best = None
        half = max(thing.length - thing.width, 0)
        for attempt in range(30):
            x, y = rng.uniform(-spread, spread, 2)
            yaw = rng.uniform(0, 2 * math.pi)
            clear = min((apart((x, y, yaw, half), other) - thing.width - other[4] for other in laid), default=9)
            if best is None or clear > best[0]:
                best = (clear, x, y, yaw)
            if clear > 0.05 or (style == "heap" and attempt > 4):
                break
        if best is not None and style == "apart":
            clear, x, y, yaw = best
        z = tilt = 0.0
        if clear < 0:  # across another: one end on the table
            under = max((o for o in laid if apart((x, y, yaw, half), o) < thing.width + o[4]), key=lambda o: o[5], default=None)
            if under is not None and under[5] < 3:
                if half > 1.5:
                    tilt = math.asin(min(0.5, under[5] / max(half, 1)))
                    z = half * math.sin(tilt)
                    tilt *= rng.choice([-1, 1])
                else:
                    z = under[5]
                    tilt = rng.normal(0, 0.08)
            elif under is not None:
                continue
        poses.append([x, y, z, yaw, tilt])
        laid.append((x, y, yaw, half, thing.width, z + thing.height))
    return [*poses, *[None] * (len(items) - len(poses))]


def compose(seed: int, sheets: Sequence[Sheet], places: Sequence[Place], reliefs: int,
            asked: list[str] | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """The rows of one scene, of its own choice or with the classes that are asked for.

    They are its numbers, shapes, materials, and the class of each instance.
    """
    rng = np.random.default_rng(seed)
    c = np.zeros(96, np.float32)
    shapes: list[np.ndarray] = []
    materials: list[things.Row] = []
    classes: list[int] = []
    theme = rng.choice(list(THEMES), p=np.array(list(THEMES.values())) / sum(THEMES.values()))

    def many(*options: int) -> int:
        return int(rng.choice(options))

    wanted = {"pen": ["pen"] * many(1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8), "bolt": ["bolt"] * many(1, 1, 2, 3, 4, 5, 6, 8, 10, 12),
              "coin": ["coin"] * many(1, 2, 3, 5, 8, 12, 16),
              "die": ["die"] * many(1, 2, 3, 4, 5, 6), "none": [],
              "mixed": list(rng.choice(CLASSES, int(rng.integers(2, 9)), p=[0.28, 0.15, 0.3, 0.27]))}[theme]
    if asked:
        theme, wanted = "asked", asked
    family = int(rng.integers(8)) if rng.random() < 0.35 else None
    make = {"coin": lambda: money.coin(rng, reliefs, family), "die": lambda: money.die(rng),
            "bolt": lambda: fasteners.bolt(rng), "pen": lambda: pens.pen(rng)}
    items = [(name, make[name]()) for name in wanted]
    if len(items) > 1 and theme in ("pen", "bolt") and rng.random() < 0.25:  # several of one kind
        items = [(name, items[0][1]) for name, _ in items]
    base = 0.0
    if rng.random() < (0.1 if theme in ("coin", "pen", "bolt") else 0.02):
        palm = clutter.hand(rng)
        pack(palm, (0, 0, 0), rng.uniform(0, 6.3), 0, 0, shapes, materials)
        items, base = items[:6], 2.15
    extra = int(rng.choice([0, 0, 0, 1, 1, 2, 3, 4])) + (int(rng.integers(2, 12)) if theme == "none" else 0)
    if base == 0 and not asked:
        items += [(None, clutter.clutter(rng, len(sheets))) for _ in range(extra)]
    if base == 0 and rng.random() < 0.22:  # a sheet of paper, a book, a cloth below
        w, d, h = rng.uniform(4, 15), rng.uniform(4, 15), rng.choice([0.01, 0.02, 0.3, 0.8])
        row = things.material(np.full(3, rng.uniform(0.5, 0.85)) if rng.random() < 0.6 else things.hue(rng), 0, 0.6)
        special = (3, int(rng.integers(len(sheets))), rng.uniform(0.02, 0.12), rng.uniform(0, 1)) if rng.random() < 0.6 else ()
        under = things.Thing([things.box((w, d, h), 0.01, row, special=special)], w, d, h)
        pack(under, (*rng.normal(0, 3, 2), h * 0.99), rng.uniform(0, 6.3), 0, 0, shapes, materials)
        base = 2 * h
    order = rng.permutation(len(items))
    items = [items[i] for i in order]
    # The ground: a sheet, sometimes in folds.
    which = int(rng.integers(len(sheets)))
    kind, _, rough = sheets[which]
    c[14], c[15] = which, 2 / rng.uniform(18, 60)
    turn = rng.uniform(0, 6.3)
    c[16], c[17], c[18:20] = math.cos(turn), math.sin(turn), rng.uniform(0, 2, 2)
    c[20:23] = rng.uniform(0.7, 1.25) * (1 + rng.normal(0, 0.06, 3))
    c[23], c[24], c[25] = rough, float(kind == "metal"), rng.uniform(0, 1.2) * (1.5 if kind == "cloth" else 0.5)
    if base == 0 and rng.random() < (0.6 if kind == "cloth" else 0.04):
        c[26] = 1
        for k in range(4):
            wave, way = rng.uniform(0.15, 1.1), rng.uniform(0, 6.3)
            phase, high = rng.uniform(0, 6.3), rng.uniform(0, 0.13) / wave ** 0.7
            c[27 + 4 * k:31 + 4 * k] = wave * math.cos(way), wave * math.sin(way), phase, high

    def ground(x: float, y: float) -> float:
        if not c[26]:
            return 0.0
        waves = (c[27 + 4 * k:31 + 4 * k] for k in range(4))
        return sum(high * math.sin(a * x + b * y + phase + 0.7 * math.sin(0.31 * b * x - 0.23 * a * y))
                   for a, b, phase, high in waves)

    reach = []
    for (name, thing), pose in zip(items, arrange(rng, [t for _, t in items])):
        if pose is None or len(shapes) > 110:
            continue
        x, y, z, yaw, tilt = pose
        if name is None:
            away = rng.uniform(1.0, 1.6)
            x, y = x * away, y * away
        instance = 0
        if name:
            classes.append(CLASSES.index(name))
            instance = len(classes)
            reach.append((x, y, max(thing.length, thing.width)))
        if c[26]:
            ends = [(x + s * thing.length * math.cos(yaw), y + s * thing.length * math.sin(yaw)) for s in (-1, -0.5, 0, 0.5, 1)]
            levels = [ground(*e) for e in ends]
            slope = (levels[4] - levels[0]) / (2 * thing.length)
            tilt -= math.atan(slope)
            z += max(level - slope * s * thing.length for level, s in zip(levels, (-1, -0.5, 0, 0.5, 1)))
        pack(thing, (x, y, z + base + 0.002), yaw, tilt, instance, shapes, materials)
    # The room and its lamps.
    about = int(rng.integers(len(places)))
    _, lamps, (above, beside) = places[about]
    turned = rng.random()
    strength = rng.uniform(0.5, 1.6)
    c[76], c[77], c[78] = about, turned, strength
    even = strength * rng.uniform(0.3, 1.1)
    c[79:82], c[82:85] = above * even, beside * even * rng.uniform(0.4, 1)
    count = 0
    for azimuth, elevation, radius, power, area in sorted(lamps, key=lambda lamp: -lamp[4] * float(np.sum(lamp[3])))[:2]:
        azimuth -= 2 * math.pi * turned
        way = (math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation), math.sin(elevation))
        c[44 + 8 * count:52 + 8 * count] = [*way, 0, *(np.asarray(power) * strength * area * 0.014),
                                            float(np.clip(radius, 0.06, 0.6))]
        count += 1
    for _ in range(int(rng.choice([0, 0, 1, 1, 2]))):
        azimuth, elevation, far = rng.uniform(0, 6.3), rng.uniform(0.3, 1.5), rng.uniform(25, 120)
        way = far * np.array([math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation),
                              math.sin(elevation)])
        color = np.clip(np.array([1, 0.9, 0.78]) + rng.uniform(-0.15, 0.25, 3), 0, 1.1) * rng.uniform(0.3, 3)
        c[44 + 8 * count:52 + 8 * count] = [*way, far, *color, rng.uniform(0.02, 0.35)]
        count += 1
    c[43] = count
    # The camera: from above as a rule, near or far.
    if reach:
        p = np.array(reach)
        if len(p) > 1 and rng.random() < 0.15:  # near one of them
            p = p[rng.integers(len(p))][None]
        centre = p[:, :2].mean(0)
        radius = max(float(np.max(np.hypot(*(p[:, :2] - centre).T) + p[:, 2])), 1.2)
    else:
        centre, radius = np.zeros(2), rng.uniform(4, 12)
    crop = rng.random() < 0.2 and not asked
    view = max(radius * 2 * (rng.uniform(0.5, 1.0) if crop
                             else np.exp(rng.uniform(math.log(0.95), math.log(1.5 if asked else 2.8)))), rng.uniform(2.2, 9))
    angle = math.radians(rng.uniform(25, 75))
    far = view / 2 / math.tan(angle / 2)
    elevation = math.radians(max(20, min(90, 90 - abs(rng.normal(0, 30)))))
    a = rng.uniform(0, 2 * math.pi)
    target = np.array([*(centre + rng.normal(0, (0.02 if asked else 0.25 if crop else 0.12) * view, 2)), base + 0.3])
    eye = target + far * np.array([math.cos(a) * math.cos(elevation), math.sin(a) * math.cos(elevation), math.sin(elevation)])
    ahead = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(ahead, [math.sin(a), -math.cos(a), 0] if elevation > 1.5 else [0, 0, 1])
    right /= np.linalg.norm(right)
    up = np.cross(right, ahead)
    roll = rng.normal(0, 0.15)
    c[0:3], c[9:12] = eye, ahead
    c[3:6], c[6:9] = right * math.cos(roll) + up * math.sin(roll), up * math.cos(roll) - right * math.sin(roll)
    c[12] = math.tan(angle / 2)
    return c, np.array(shapes, np.float32).reshape(-1, 64), np.array(materials, np.float32).reshape(-1, 12), classes


def batch(seeds: Iterable[int], sheets: Sequence[Sheet], places: Sequence[Place], reliefs: int,
          asked: list[str] | None = None) -> Batch:
    """Several scenes as one set of arrays, and the classes of each."""
    parts = [compose(s, sheets, places, reliefs, asked) for s in seeds]
    first = rows = 0
    for c, shapes, materials, _ in parts:
        c[85], c[86] = first, len(shapes)
        shapes[:, 54] += rows
        dice = shapes[:, 58] == 2
        shapes[dice, 59] += rows
        first += len(shapes)
        rows += len(materials)
    return (np.stack([p[0] for p in parts]), np.concatenate([p[1] for p in parts] + [np.zeros((1, 64), np.float32)]),
            np.concatenate([p[2] for p in parts] + [np.zeros((1, 12), np.float32)]), [p[3] for p in parts])
