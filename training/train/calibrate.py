"""Fits temperature and bias so that a confidence is the share of detections that are right, on rendered scenes.

    silhouette evaluate --model NAME/V --annotations instances.json --images SCENES --iou 0.3 --save-detections found.json
    python calibrate.py instances.json found.json [--categories 1,2,3,4] [--plot reliability.png]

A detection is right where its box overlaps a free true object of its class by half. Prints temperatures and biases for export.py,
one a class, and the reliability of all before and after.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(w, 0) * max(h, 0)
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def outcomes(truth: dict[str, Any], found: list[dict[str, Any]], category: int) -> tuple[np.ndarray, np.ndarray]:
    objects: dict[int, list[list[Any]]] = collections.defaultdict(list)
    for a in truth["annotations"]:
        if a["category_id"] == category:
            objects[a["image_id"]].append([a["bbox"], a["iscrowd"], False])
    scores, right = [], []
    for d in sorted((d for d in found if d["category_id"] == category), key=lambda d: -d["score"]):
        best = max((o for o in objects[d["image_id"]] if not o[2]), key=lambda o: overlap(o[0], d["bbox"]), default=None)
        hit = best is not None and overlap(best[0], d["bbox"]) >= 0.5
        if best is not None and hit:
            if best[1]:
                continue
            best[2] = True
        scores.append(d["score"])
        right.append(hit)
    return np.array(scores), np.array(right, float)


EDGES = np.linspace(0, 1, 11)


def reliability(scores: np.ndarray, right: np.ndarray, edges: np.ndarray = EDGES) -> list[tuple[float, float, int, float, float]]:
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = (scores >= low) & (scores < high)
        if inside.any():
            rows.append((low, high, int(inside.sum()), float(scores[inside].mean()), float(right[inside].mean())))
    return rows


def design(scores: np.ndarray) -> np.ndarray:
    logits = np.log(scores / (1 - scores))
    return np.stack([logits, np.ones_like(logits)], 1)


def fit(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Temperature and bias by logistic regression, with Newton's method."""
    weights = np.array([1.0, 0.0])
    for _ in range(100):
        p = calibrated(scores, weights)
        hessian = (design(scores).T * (p * (1 - p))) @ design(scores) + 1e-6 * np.eye(2)
        weights = weights + np.linalg.solve(hessian, design(scores).T @ (right - p))
    return weights


def calibrated(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-design(scores) @ weights))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth")
    parser.add_argument("found")
    parser.add_argument("--categories", type=lambda text: [int(number) for number in text.split(",")], default=[1, 2, 3, 4])
    parser.add_argument("--plot")
    arguments = parser.parse_args()
    truth, found = (json.loads(pathlib.Path(path).read_text()) for path in (arguments.truth, arguments.found))
    parts = []
    for category in arguments.categories:
        own, hits = outcomes(truth, found, category)
        keep = own > 0.05  # what nobody sees should not decide
        own, hits = own[keep], hits[keep]
        weights = fit(own, hits)
        parts.append((own, hits, calibrated(own, weights), weights))
    print("--temperature " + ",".join(f"{part[3][0]:.3f}" for part in parts) + " --bias="
          + ",".join(f"{part[3][1]:.3f}" for part in parts))
    scores, right, after = (np.concatenate([part[k] for part in parts]) for k in range(3))
    print(f"{len(scores)} detections, {int(right.sum())} right")
    for name, values in (("before", scores), ("after", after)):
        print(name)
        for low, high, count, mean, share in reliability(values, right):
            print(f"  {low:.1f}-{high:.1f}  {count:5d}  confidence {mean:.2f}  right {share:.2f}")
    if arguments.plot:
        import matplotlib.pyplot as plt

        plt.figure(figsize=(4.5, 4.5))
        plt.plot([0, 1], [0, 1], color="0.7")
        for name, values in (("before", scores), ("after", after)):
            rows = reliability(values, right)
            plt.plot([r[3] for r in rows], [r[4] for r in rows], marker="o", label=name)
        plt.xlabel("confidence")
        plt.ylabel("share of detections that are right")
        plt.legend()
        plt.tight_layout()
        plt.savefig(arguments.plot, dpi=120)


if __name__ == "__main__":
    main()
