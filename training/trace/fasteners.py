"""Bolts and screws."""

from __future__ import annotations

import math

import numpy as np

from things import Thing, box, lying, metal, moved, revolved, ring, rotation


def bolt(rng: np.random.Generator) -> Thing:
    """A screw or bolt: shaft with a thread, head, drive; wood screws, wall anchors, wing, eye, hex, socket and carriage bolts."""
    kind = rng.choice(["hex", "wood", "machine", "socket", "wing", "anchor", "eye", "carriage", "headless"],
                      p=[0.21, 0.27, 0.18, 0.1, 0.09, 0.05, 0.03, 0.04, 0.03])
    m = metal(rng)
    r = rng.uniform(0.13, 0.5) if kind != "wood" else rng.uniform(0.12, 0.32)
    length = r * rng.uniform(5, 26) if kind == "wood" else r * rng.uniform(3.5, 20)
    length = float(np.clip(length, 1.0, 10))
    pitch, depth = r * rng.uniform(0.3, 0.6), r * rng.uniform(0.1, 0.22)
    threaded = length * (1 if rng.random() < 0.5 else rng.uniform(0.35, 0.9))
    parts = []
    if kind == "anchor":
        r = rng.uniform(0.4, 0.7)
        length = r * rng.uniform(4, 7)
        pitch, depth, threaded = r * rng.uniform(0.7, 1.2), r * rng.uniform(0.3, 0.5), length
        profile = [(0.04, 0), (r * 0.45, length * 0.2), (r * 0.8, length * 0.45), (r, length * 0.9), (r, length)]
    elif kind == "wood" or (kind in ("machine", "hex") and rng.random() < 0.2):
        pitch, depth = r * rng.uniform(0.6, 1.5), r * rng.uniform(0.2, 0.42)
        threaded = length * (1 if rng.random() < 0.5 else rng.uniform(0.5, 0.85))
        tip = min(length * 0.4, r * rng.uniform(2, 4))
        profile = [(0.03, 0), (r * 0.9, tip), (r, tip * 1.3), (r, threaded), (r * rng.uniform(0.75, 1), threaded + 0.05),
                   (r * 0.8, length)]
    else:
        profile = [(r * 0.75, 0), (r, r * 0.35), (r, length)]
    second = metal(rng) if rng.random() < 0.06 else m
    parts.append(revolved(profile, [m], thread=(pitch, depth, r * 0.2, threaded)))
    hr, hh = r * rng.uniform(1.6, 2.2), r * rng.uniform(0.7, 1.4)
    drive = int(rng.choice([1, 2, 2, 3, 4]))
    reach = hr
    if kind == "hex":
        parts.append(revolved([(hr, 0), (hr, hh)], [second], sides=6, place=np.array([0, 0, length])))
        if rng.random() < 0.35:
            reach = hr * rng.uniform(1.15, 1.35)
            parts.append(revolved([(reach, -0.02), (reach, r * 0.15), (hr * 0.9, r * 0.25)], [second],
                                  place=np.array([0, 0, length])))
    elif kind == "socket":
        hr, hh = r * rng.uniform(1.45, 1.75), r * rng.uniform(1.3, 2.1)
        reach = hr
        parts.append(revolved([(hr, 0), (hr, hh * 0.92), (hr * 0.9, hh)], [second], drive=(3, hr, hh * 0.6, hh),
                              place=np.array([0, 0, length])))
    elif (kind in ("wood", "anchor") and rng.random() < 0.85) or (kind == "machine" and rng.random() < 0.35):
        rim = hr if kind != "anchor" else r * rng.uniform(1.15, 1.5)
        reach = rim
        curve = rng.uniform(0.5, 0.8)
        parts.append(revolved([(r * 0.85, -rim * 0.2), (r * 0.95 + (rim - r) * 0.3 * curve, rim * 0.12), (rim, rim * 0.6),
                               (rim, rim * 0.68), (rim * 0.95, rim * 0.72)], [second],
                              drive=(drive, rim * 0.85, rim * 0.4, rim * 0.72), place=np.array([0, 0, length])))
        hh = rim * 0.7
    elif kind == "wing":
        parts.append(revolved([(r * 1.5, 0), (r * 1.6, r * 0.8), (r * 1.2, r * 1.6)], [second], place=np.array([0, 0, length])))
        span, tall = r * rng.uniform(1.6, 2.6), r * rng.uniform(1.6, 2.8)
        lean = rng.uniform(0.3, 0.9)
        for side in (-1, 1):
            wing = box((span * 0.55, r * rng.uniform(0.3, 0.42), tall * 0.62), r * 0.35, second)
            parts.append(moved(wing, (side * (r * 0.9 + span * 0.4), 0, length + r * 0.8 + tall * 0.35),
                               rotation("y", side * lean)))
        reach, hh = r * 0.9 + span, r + tall
    elif kind == "eye":
        big = r * rng.uniform(1.6, 3)
        parts.append(moved(ring(big, r * 0.85, second), (0, 0, length + big), rotation("x", math.pi / 2)))
        reach, hh = big + r, 2 * big + r
    elif kind != "headless":  # pan, button, carriage
        hr *= rng.uniform(0.95, 1.25)
        reach = hr
        parts.append(revolved([(hr * 0.96, 0), (hr, hh * 0.25), (hr * 0.92, hh * 0.6), (hr * 0.7, hh * 0.88), (hr * 0.35, hh)],
                              [second],
                              drive=(0 if kind == "carriage" else drive, hr * 0.8, hh * 0.6, hh), place=np.array([0, 0, length])))
    else:
        hh = 0
    whole = length + hh
    pose = rng.random()
    if pose < 0.1:  # stands on its head
        turn = rotation("x", math.pi)
        return Thing([moved(s, (0, 0, whole), turn) for s in parts], max(reach, r), max(reach, r), whole)
    if pose < 0.16 and kind not in ("headless", "eye", "anchor"):  # driven into the table: its head from above
        return Thing([moved(s, (0, 0, -length + rng.uniform(0, 0.3))) for s in parts], reach, reach, hh)
    if kind == "wing" or kind == "eye":  # on its flat side, as a rule
        roll = 0.5 * math.pi if rng.random() < 0.75 else rng.uniform(0, 6.3)
    else:
        roll = rng.uniform(0, 6.3)
    thing = lying(parts, whole, max(r, 0.01), roll)
    lean = math.atan2(max(reach - r, 0), length) if kind not in ("wing", "eye") else 0
    turn = rotation("y", -lean)
    lift = whole / 2 * math.sin(lean)
    thing.shapes = [moved(s, (0, 0, lift + (0.3 * r if kind in ("wing", "eye") else 0)), turn) for s in thing.shapes]
    thing.width, thing.height = max(reach, r), 2 * max(reach, r)
    return thing
