"""Things that are none of the classes, and hands."""

from __future__ import annotations

import math

import numpy as np

from things import (
    Row,
    Thing,
    box,
    capsule,
    clear,
    lying,
    material,
    metal,
    moved,
    plastic,
    printed,
    revolved,
    ring,
    rotation,
)


def washer(rng: np.random.Generator, sheets: int) -> Thing:
    r = rng.uniform(0.4, 1.5)
    if rng.random() < 0.5:
        s = ring(r, r * rng.uniform(0.12, 0.3), metal(rng))
        return Thing([moved(s, (0, 0, s.numbers[2]))], r, r, 0.3)
    inner, t = rng.uniform(0.35, 0.65), rng.uniform(0.08, 0.2)
    s = revolved([(r, 0), (r, t)], [metal(rng)], drive=(3, r * inner / 0.52, 2 * t, t))
    s.drive = (4, r * inner / 0.5, 2 * t, t)
    return Thing([s], r, r, t)


def nut(rng: np.random.Generator, sheets: int) -> Thing:
    r = rng.uniform(0.35, 1.2)
    t = r * rng.uniform(0.5, 1.1)
    s = revolved([(r * 0.95, 0), (r, t * 0.1), (r, t * 0.9), (r * 0.95, t)], [metal(rng)], sides=6,
                 drive=(4, r * rng.uniform(1.0, 1.3), 2 * t, t))
    return Thing([s], r, r, t)


def button(rng: np.random.Generator, sheets: int) -> Thing:
    r, t = rng.uniform(0.5, 1.3), rng.uniform(0.15, 0.3)
    row = printed(rng, plastic(rng))
    s = revolved([(r * 0.9, 0), (r, t * 0.4), (r * 0.95, t), (r * 0.75, t), (r * 0.7, t * 0.7)], [row])
    dark = material((0.01, 0.01, 0.01))
    n = int(rng.choice([2, 4]))
    holes = [moved(revolved([(r * 0.1, 0), (r * 0.1, 0.02)], [dark]), (r * 0.25 * math.cos(a), r * 0.25 * math.sin(a), t * 0.7))
             for a in np.arange(n) * 2 * math.pi / n]
    return Thing([s, *holes], r, r, t)


def ball(rng: np.random.Generator, sheets: int) -> Thing:
    r = rng.uniform(0.4, 2.2)
    row = printed(rng, plastic(rng)) if rng.random() < 0.7 else metal(rng)
    return Thing([capsule((0, 0, r), (0, 0, r + 0.001), r, r, row)], r, r, 2 * r)


def lid(rng: np.random.Generator, sheets: int) -> Thing:
    r, t = rng.uniform(0.8, 4), rng.uniform(0.2, 1.5)
    row = printed(rng, plastic(rng)) if rng.random() < 0.6 else metal(rng)
    s = revolved([(r, 0), (r * 1.02, t * 0.3), (r, t * 0.9), (r * 0.93, t)], [row],
                 sides=int(rng.choice([24, 30])) if rng.random() < 0.3 else 0)
    if rng.random() < 0.3:
        s = revolved([(r, 0), (r, t), (r * 0.9, t), (r * 0.85, t * 0.6)], [row])
    return Thing([s], r, r, t)


def cup(rng: np.random.Generator, sheets: int) -> Thing:
    r, h = rng.uniform(2, 4.5), rng.uniform(2, 9)
    row = printed(rng, plastic(rng)) if rng.random() < 0.85 else clear(rng)
    drink = material((0.08, 0.03, 0.01) if rng.random() < 0.5 else rng.uniform(0, 0.8, 3), 0, 0.08)
    s = revolved([(r * 0.75, 0), (r, h), (r - 0.3, h), (r * 0.75, h * rng.uniform(0.1, 0.9))], [row])
    inside = revolved([(r * 0.7, 0.2), (r * 0.8, h * rng.uniform(0.2, 0.8))], [drink])
    return Thing([s, inside], r, r, h)


def slab(rng: np.random.Generator, sheets: int) -> Thing:
    """Books, cards, phones, rubbers, boxes, sheets of paper."""
    w, d = rng.uniform(0.7, 7), rng.uniform(0.7, 5)
    h = rng.uniform(0.03, 1.5) * rng.choice([0.05, 0.4, 1])
    row = printed(rng, plastic(rng))
    if row[10] == 3:
        row[10], row[11] = 6, rng.uniform(0.5, 4)
    special = (3, int(rng.integers(sheets)), rng.uniform(0.02, 0.15), rng.uniform(0, 1)) if rng.random() < 0.5 else ()
    return Thing([box((w, d, h + 0.01), rng.uniform(0.01, 0.4), row, special=special, place=np.array([0, 0, h + 0.01]))], w, d,
                 2 * h)


def ruler(rng: np.random.Generator, sheets: int) -> Thing:
    w, d = rng.uniform(5, 15), rng.uniform(1, 2)
    row = plastic(rng) if rng.random() < 0.5 else material((0.6, 0.42, 0.25), 0, 0.5) if rng.random() < 0.6 else metal(rng, False)
    return Thing([box((w, d, 0.1), 0.03, row, special=(4,), place=np.array([0, 0, 0.1]))], w, d, 0.2)


def battery(rng: np.random.Generator, sheets: int) -> Thing:
    r, length = rng.uniform(0.4, 0.9), rng.uniform(3, 6)
    row = plastic(rng)
    other = metal(rng, False) if rng.random() < 0.6 else plastic(rng)
    s = revolved([(r * 0.97, 0), (r, 0.1), (r, length * 0.98), (r * 0.4, length * 0.985), (r * 0.4, length + 0.15)],
                 [printed(rng, row), other], [length * rng.uniform(0.6, 0.9)])
    return lying([s], length, r, rng.uniform(0, 6.3))


def key(rng: np.random.Generator, sheets: int) -> Thing:
    row = metal(rng, False) if rng.random() < 0.7 else metal(rng)
    length, r = rng.uniform(2.2, 3.6), rng.uniform(0.8, 1.2)
    head = revolved([(r, 0), (r, 0.2)], [row if rng.random() < 0.7 else plastic(rng)], sides=int(rng.choice([0, 5, 6, 8])),
                    drive=(4, r * 0.5, 1, 0.2))
    blade = box((length / 2, 0.28, 0.1), 0.03, row, place=np.array([0, 0, 0.1]))
    teeth = [box((0.13, rng.uniform(0.08, 0.2), 0.1), 0.02, row, place=np.array([rng.uniform(-0.2, 0.5) * length, 0.3, 0.1]))
             for _ in range(rng.integers(3, 6))]
    return Thing([moved(head, (-length / 2 - r * 0.8, 0, 0)), blade, *teeth], length / 2 + 2 * r, r, 0.2)


def cable(rng: np.random.Generator, sheets: int) -> Thing:
    row = plastic(rng)
    r, t = rng.uniform(2, 7), rng.uniform(0.1, 0.3)
    return Thing([moved(ring(r * k, t, row), (rng.normal(0, 0.3), rng.normal(0, 0.3), t * (1 + 2 * i)))
                  for i, k in enumerate(rng.uniform(0.8, 1.1, rng.integers(1, 4)))], r, r, 4 * t)


def rod(rng: np.random.Generator, sheets: int) -> Thing:
    """Spoons, brushes, screwdrivers, tubes: long, but no pens."""
    kind = rng.integers(4)
    row, other = plastic(rng) if rng.random() < 0.6 else metal(rng), plastic(rng)
    if kind == 0:  # a spoon
        shapes = [box((5, 0.3, 0.1), 0.09, row, place=np.array([0, 0, 0.3])),
                  capsule((-6.5, 0, 0.2), (-5.3, 0, 0.2), 0.9, 0.9, row)]
        shapes[1] = moved(shapes[1], (0, 0, 0.2))
        return Thing(shapes, 7.5, 1, 0.8)
    if kind == 1:  # a screwdriver
        r = rng.uniform(0.9, 1.7)
        handle = revolved([(r * 0.6, 0), (r, 0.5), (r * 0.85, 3), (r, 6), (r * 0.5, 8)], [other], sides=int(rng.choice([0, 6, 8])))
        blade = revolved([(0.1, -8), (0.28, -7.5), (0.28, 0.2)], [metal(rng, False)])
        blade = moved(blade, (0, 0, 0))
        return lying([moved(handle, (0, 0, 8)), moved(blade, (0, 0, 8))], 16, r, 0)
    if kind == 2:  # a tube
        r, length = rng.uniform(0.8, 1.8), rng.uniform(5, 11)
        return lying([revolved([(r, 0), (r, length)], [printed(rng, row)])], length, r, rng.uniform(0, 6.3))
    w, d = rng.uniform(3, 9), rng.uniform(0.2, 0.7)  # a stick
    own = material(np.array([0.6, 0.42, 0.25]) * rng.uniform(0.6, 1.2)) if rng.random() < 0.5 else row
    return Thing([box((w, d, 0.08), 0.05, own, place=np.array([0, 0, 0.08]))], w, d, 0.2)


def junk(rng: np.random.Generator, sheets: int) -> Thing:
    """Anything: blocks, balls, arches and turned pieces stuck together, thick rather than long."""
    scale = rng.uniform(0.5, 5) if rng.random() < 0.7 else rng.uniform(4, 9)
    rows = [plastic(rng) if rng.random() < 0.7 else metal(rng) for _ in range(2)]
    rows = [printed(rng, row) if rng.random() < 0.5 else row for row in rows]
    rows = [row if row[10] != 3 else [*row[:10], 6, rng.uniform(0.5, 4)] for row in rows]
    shapes = []
    for _ in range(rng.integers(1, 5)):
        row, at = rows[rng.integers(2)], rng.uniform(-0.6, 0.6, 2) * scale
        kind = rng.integers(4)
        if kind == 0:
            half = rng.uniform(0.15, 1, 3) * scale * (1, 1, 0.5)
            special = (3, int(rng.integers(sheets)), rng.uniform(0.03, 0.3), rng.uniform(0, 1)) if rng.random() < 0.3 else ()
            shapes.append(moved(box(half, rng.uniform(0, 0.5) * half.min(), row, special=special), (*at, half[2]),
                                rotation("z", rng.uniform(0, 3))))
        elif kind == 1:
            r = rng.uniform(0.2, 0.7) * scale
            shapes.append(capsule((*at, r), (*(at + rng.uniform(-1, 1, 2) * r), r * rng.uniform(1, 1.8)), r,
                                  r * rng.uniform(0.5, 1), row))
        elif kind == 2:
            r = rng.uniform(0.3, 1) * scale
            shapes.append(moved(ring(r, r * rng.uniform(0.08, 0.4), row), (*at, r * 0.3), rotation("x", rng.choice([0, 0, 0.4]))))
        else:
            n, high = int(rng.integers(3, 8)), rng.uniform(0.3, 2) * scale
            radii = rng.uniform(0.15, 0.8, n) * scale
            piece = revolved(list(zip(radii, np.linspace(0, high, n))), [row, rows[0]], [high * rng.uniform(0.2, 0.8)],
                             sides=int(rng.choice([0, 0, 4, 5, 6, 8])))
            shapes.append(moved(piece, (*at, 0)) if rng.random() < 0.6
                          else moved(piece, (*at, radii.max()), rotation("z", rng.uniform(0, 6)) @ rotation("y", math.pi / 2)))
    return Thing(shapes, scale, scale, scale)


KINDS = [washer, nut, nut, button, ball, lid, lid, cup, slab, slab, slab, slab, junk, junk, junk, junk, ruler, battery, key,
         cable, rod]


def clutter(rng: np.random.Generator, sheets: int) -> Thing:
    return KINDS[rng.integers(len(KINDS))](rng, sheets)


def skin(rng: np.random.Generator) -> Row:
    tone = np.array([[0.62, 0.36, 0.25], [0.5, 0.27, 0.17], [0.35, 0.17, 0.1], [0.18, 0.08, 0.05],
                     [0.72, 0.47, 0.37]][rng.integers(5)])
    return material(tone, 0, rng.uniform(0.4, 0.65), rng.uniform(0.1, 0.4), 1, tone * (0.8, 0.6, 0.55), 2, rng.uniform(0.6, 2))


def hand(rng: np.random.Generator) -> Thing:
    """A palm with fingers and an arm, open; things lie on it at its height."""
    row, side = skin(rng), rng.choice([-1, 1])
    shapes = [box((4, 4.3, 1.1), 1.05, row, place=np.array([0, 0, 1.1])), capsule((0, -4, 1.2), (0, -16, 1.2), 2.4, 3.2, row)]
    bend, spread = rng.uniform(0, 0.9), rng.uniform(0.02, 0.16)
    for x, length in zip((3.1, 1.05, -1.05, -3.1), (5.5, 7.0, 7.4, 6.6)):
        a, b = (x, 3.8, 1.0), (x * (1 + spread * length * 0.3), 3.8 + length * 0.5, 1.0 + bend * 0.5)
        c = (x * (1 + spread * length * 0.5), 3.8 + length * (0.97 - 0.2 * bend), 1.0 + bend * 2)
        shapes += [capsule(a, b, 0.98, 0.85, row), capsule(b, c, 0.85, 0.7, row)]
    shapes += [capsule((side * 3, -2.6, 1.2), (side * 5.8, 1.0, 1.4), 1.35, 1.05, row),
               capsule((side * 5.8, 1.0, 1.4), (side * 6.6, 3.8, 1.7), 1.0, 0.75, row)]
    return Thing(shapes, 16, 8, 2.2)
