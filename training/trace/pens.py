"""Pens, pencils and markers."""

from __future__ import annotations

import numpy as np

from things import Row, Shape, Thing, box, clear, hue, lying, material, metal, moved, plastic, printed, revolved


def clip(rng: np.random.Generator, r: float, at: float, length: float, row: Row) -> Shape:
    """A bar beside the barrel."""
    return moved(box((0.06, rng.uniform(0.1, 0.22), length / 2), 0.05, row), (r + 0.1, 0, at))


def pen(rng: np.random.Generator) -> Thing:
    """A pen, pencil or marker, with its cap on, on the other end or off."""
    kind = rng.choice(["stick", "click", "capped", "marker", "highlighter", "pencil", "crayon", "fountain", "slim"],
                      p=[0.2, 0.2, 0.13, 0.13, 0.06, 0.16, 0.03, 0.04, 0.05])
    a, b = plastic(rng), plastic(rng)
    other = rng.random()
    if other < 0.4:
        b = list(a)
    elif other < 0.6:
        b = metal(rng, False)
    ink = plastic(rng) if rng.random() < 0.5 else material(np.array([(0.01, 0.02, 0.2), (0.01, 0.01, 0.012),
                                                                     (0.35, 0.01, 0.01), (0.01, 0.15, 0.03)][rng.integers(4)]))
    length = rng.uniform(12.5, 15.5)
    r = rng.uniform(0.33, 0.55)
    steel = metal(rng, False)
    parts, top = [], length
    if kind == "stick":  # a clear or colored barrel with a refill, a point and a cap
        r = rng.uniform(0.36, 0.5)
        body = clear(rng) if rng.random() < 0.6 else a
        sides = 6 if rng.random() < 0.5 else 0
        parts.append(revolved([(0.04, 0), (0.07, 0.25), (0.13, 0.7), (r * 0.6, 1.2), (r * 0.9, 2.2)],
                              [steel, ink if rng.random() < 0.7 else steel], [0.75]))
        parts.append(revolved([(r * 0.9, 2.0), (r, 2.3), (r, length)], [body if body[6] < 1 else printed(rng, body)], sides=sides))
        if body[6] < 1:
            level = rng.uniform(2.5, length - 1)
            parts.append(revolved([(0.14, 1.5), (0.14, length - 0.5)], [ink, clear(rng)], [level]))
        parts.append(revolved([(r * 1.02, length - 0.3), (r * 1.02, length + 0.05), (r * 0.8, length + 0.15)], [ink]))
        cap, place = rng.uniform(4, 6), rng.random()
        if place < 0.6:
            profile = [(r * 0.3, -0.7), (r * 0.75, -0.4), (r * 1.15, 0.6), (r * 1.28, cap * 0.7), (r * 1.28, cap)]
            if place < 0.3:
                parts.append(revolved(profile, [ink]))
                parts.append(clip(rng, r * 1.2, cap * 0.45, cap * 0.85, ink))
            else:
                top = length + 1.3
                parts.append(revolved([(rr, top - z) for rr, z in reversed(profile)], [ink]))
                parts.append(clip(rng, r * 1.2, top - cap * 0.45, cap * 0.85, ink))
    elif kind in ("click", "slim"):
        r = r if kind == "click" else rng.uniform(0.28, 0.38)
        grip = rng.uniform(2.5, 5)
        body = printed(rng, a) if rng.random() < 0.85 else metal(rng)
        soft = plastic(rng) if rng.random() < 0.5 else body
        parts.append(revolved([(0.06, 0), (0.09, 0.3), (r * 0.5, 0.9), (r * 0.85, 1.8), (r, 2.4)], [steel, b], [0.35]))
        parts.append(revolved([(r, 2.2), (r * rng.uniform(0.95, 1.12), grip * 0.7), (r, grip), (r, length - 1.1),
                               (r * 0.85, length - 0.9)], [soft, body, b if rng.random() < 0.4 else body],
                              [grip, length * rng.uniform(0.5, 0.8)], sides=6 if rng.random() < 0.08 else 0))
        if rng.random() < 0.4:
            at = rng.uniform(0.4, 0.7) * length
            parts.append(revolved([(r * 1.05, at), (r * 1.07, at + 0.1), (r * 1.05, at + rng.uniform(0.2, 0.6))], [steel]))
        if rng.random() < 0.85:
            parts.append(revolved([(r * 0.5, length - 1), (r * 0.5, length - 0.1), (r * 0.35, length)],
                                  [b if rng.random() < 0.6 else steel]))
        if rng.random() < 0.85:
            parts.append(clip(rng, r, length - 2.8, rng.uniform(3, 4.5), steel if rng.random() < 0.5 else b))
    elif kind in ("capped", "fountain", "marker", "highlighter"):
        if kind == "marker":
            r, length = rng.uniform(0.5, 0.95), rng.uniform(11.5, 14.5)
        if kind == "highlighter":
            r, length = rng.uniform(0.6, 0.95), rng.uniform(10, 13.5)
            a = material(np.clip(hue(rng) * 1.6, 0, 0.95), 0, 0.35)
            b = a if rng.random() < 0.6 else b
        cap = length * rng.uniform(0.27, 0.45)
        body = printed(rng, a if kind != "marker" or rng.random() < 0.5
                       else material(np.full(3, rng.choice([0.75, 0.02, 0.5])), 0, 0.4))
        seen = clear(rng) if kind == "capped" and rng.random() < 0.15 else body
        on = rng.random()
        sides = 6 if rng.random() < 0.1 else 0
        wide = r * rng.uniform(1.05, 1.2)
        if on < 0.62:
            parts.append(revolved([(r * 0.75, 0), (r * 0.95, 0.2), (r, 0.7), (r, length - cap)],
                                  [b if rng.random() < 0.3 else seen, seen], [rng.uniform(0.3, 1.2)], sides=sides))
            parts.append(revolved([(wide, length - cap), (wide, length - 0.6), (r * rng.uniform(0.75, 1.0), length - 0.1),
                                   (r * 0.6, length)], [b, ink if rng.random() < 0.3 else b], [length - 0.5]))
            if rng.random() < 0.75:
                parts.append(clip(rng, wide, length - cap * 0.55, cap * 0.8, b if rng.random() < 0.6 else steel))
        else:  # open
            nib = 0.35 if kind == "highlighter" else rng.uniform(0.08, 0.25)
            parts.append(revolved([(nib * 0.4, 0), (nib, 0.3), (nib, 0.9), (r * 0.45, 1.0), (r * 0.6, 2.0), (r * 0.85, 2.6),
                                   (r, 3.0), (r, length - 0.3), (r * 0.8, length)],
                                  [ink if kind != "fountain" else steel, b, seen], [0.95, 2.6], sides=0))
            if rng.random() < 0.4:
                top = length + 1.5
                parts.append(revolved([(wide, top - cap), (wide, top - 0.5), (r * 0.7, top)], [b]))
                parts.append(clip(rng, wide, top - cap * 0.6, cap * 0.8, b))
    else:  # a pencil
        crayon = kind == "crayon"
        r = rng.uniform(0.33, 0.45)
        length = rng.uniform(6, 18.5) if rng.random() < 0.4 else rng.uniform(15, 18.5)
        paint = material([(0.75, 0.42, 0.02), (0.02, 0.02, 0.022), (0.02, 0.12, 0.03), (0.4, 0.01, 0.01),
                          (0.01, 0.05, 0.25)][rng.integers(5)], 0, 0.3) if rng.random() < 0.45 else a
        if rng.random() < 0.12:
            paint = material((0.6, 0.4, 0.22), 0, 0.6)
        wood = material(np.array([0.62, 0.4, 0.22]) * rng.uniform(0.7, 1.2), 0, 0.7, 0.4, 1, (0.35, 0.2, 0.1), 2, 6)
        lead = material((0.02, 0.02, 0.022), 0.3, 0.4) if rng.random() < 0.55 or not crayon else paint
        if rng.random() < 0.3:
            lead = [*np.clip(hue(rng), 0.004, 0.95), *lead[3:]]
        sides = 6 if rng.random() < 0.7 else 0
        cone = rng.uniform(1.6, 2.8)
        tip = rng.uniform(0.3, 0.8)
        if rng.random() < 0.92:
            parts.append(revolved([(0.03, 0), (r * tip / cone, tip), (r * 0.98, cone), (r, cone + 0.3)], [lead, wood, paint],
                                  [tip, cone * 0.93]))
        else:
            cone = 0
        end = length - (rng.uniform(1.2, 2.2) if (rubber := rng.random() < 0.45) else 0)
        body = printed(rng, paint)
        parts.append(revolved([(r, cone * 0.97), (r, end)], [body, b if not rubber and rng.random() < 0.3 else body],
                              [end - rng.uniform(0.3, 1.5)], sides=sides))
        if rubber:
            ferrule = material((0.6, 0.6, 0.6) if rng.random() < 0.6 else (0.6, 0.45, 0.2), 1, 0.3, 0.5, 1, (0.2, 0.2, 0.2), 1,
                               rng.uniform(12, 25))
            pink = material((0.7, 0.22, 0.2) if rng.random() < 0.6 else rng.uniform(0.1, 0.9, 3), 0, 0.8)
            parts.append(revolved([(r * 1.02, end), (r * 1.02, length - 0.6), (r * 0.95, length - 0.15), (r * 0.7, length)],
                                  [ferrule, pink], [length - 0.65]))
    return lying(parts, top, r, rng.uniform(0, 6.3) if kind == "pencil" else rng.uniform(-2.6, 2.6))
