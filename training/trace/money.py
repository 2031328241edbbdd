"""Coins and dice."""

from __future__ import annotations

import math

import numpy as np

from things import METALS, Thing, box, hue, material, metal, moved, plastic, revolved, rotation


def coin(rng: np.random.Generator, reliefs: int, family: int | None = None) -> Thing:
    r, t = rng.uniform(0.75, 1.65), rng.uniform(0.12, 0.3)
    base = np.array(METALS[rng.choice(8, p=[0.24, 0.15, 0.16, 0.12, 0.13, 0.07, 0.08, 0.05]) if family is None else family])
    color = base * rng.uniform(0.75, 1.1) * (1 + rng.normal(0, 0.04, 3))
    row = material(color, rng.uniform(0.85, 1), rng.uniform(0.2, 0.5), rng.uniform(0, 0.8), 1,
                   color * rng.uniform(0.3, 0.7) * (1, 0.9, 0.8), 2, rng.uniform(0.7, 3))
    two = rng.random() < 0.17
    outer = material(np.array(METALS[rng.integers(8)]), 1, rng.uniform(0.2, 0.5)) if two else row
    s = revolved([(r * 0.97, 0), (r, t * 0.15), (r, t * 0.85), (r * 0.97, t)], [row, outer], [1e9],
                 sides=int(rng.choice([7, 11, 12])) if rng.random() < 0.06 else 0,
                 special=(1, int(rng.integers(reliefs - 1)), r, rng.uniform(6, 22), rng.uniform(0.4, 0.6) if two else 9,
                          rng.uniform(0, 0.75) ** 1.4))
    if rng.random() < 0.5:
        s = moved(s, (0, 0, t), rotation("x", math.pi))
    return Thing([s], r, r, t)


def die(rng: np.random.Generator) -> Thing:
    h = rng.uniform(0.4, 1.05)
    row = plastic(rng) if rng.random() < 0.6 else material(rng.uniform(0.6, 0.9) * np.ones(3), 0, rng.uniform(0.1, 0.5))
    if rng.random() < 0.08:
        row = metal(rng)
    light = sum(row[:3]) > 1.0
    dark = material(np.full(3, 0.01 if light else 0.85) if rng.random() < 0.8
                    else (hue(rng) if light else np.array([0.8, 0.7, 0.2])), 0, 0.4)
    s = box((h, h, h), h * rng.uniform(0.06, 0.45), row, special=(2, dark, rng.uniform(0.42, 0.58), rng.uniform(0.14, 0.24)))
    turn = rotation("x", math.pi / 2 * rng.integers(4)) @ rotation("y", math.pi / 2 * rng.integers(4))
    return Thing([moved(s, (0, 0, h), turn)], h * 1.25, h * 1.25, 2 * h)
