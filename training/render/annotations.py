"""Writes the true objects of rendered scenes in COCO's format, for `silhouette evaluate`.

    python annotations.py SCENES [--least 24] > instances.json

Objects with fewer visible pixels than `--least` are marked as crowds, so that finding them is neither right nor wrong.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import Any

import numpy as np
from PIL import Image


def run_lengths(mask: np.ndarray) -> list[int]:
    flat = np.concatenate([[0], mask.flatten(order="F").astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(flat))
    bounds = np.concatenate([[0], edges, [mask.size]])
    counts = np.diff(bounds).tolist()
    return counts[:-1] if counts[-1] == 0 else counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=pathlib.Path)
    parser.add_argument("--least", type=int, default=24)
    arguments = parser.parse_args()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    names = ["coin", "die", "bolt", "pen"]
    for path in sorted(p for p in arguments.scenes.glob("*.json") if p.stem.isdigit()):
        index = np.asarray(Image.open(path.with_suffix(".png")))
        h, w = index.shape
        images.append({"id": int(path.stem), "file_name": path.stem + ".jpg", "width": w, "height": h})
        for i, name in enumerate(json.loads(path.read_text())["classes"], 1):
            mask = index == i
            if not mask.any():
                continue
            ys, xs = np.nonzero(mask)
            annotations.append({
                "id": len(annotations) + 1, "image_id": int(path.stem), "category_id": names.index(name) + 1,
                "iscrowd": int(mask.sum() < arguments.least), "area": int(mask.sum()),
                "bbox": [int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1],
                "segmentation": {"size": [h, w], "counts": run_lengths(mask)}})
    categories = [{"id": i, "name": name} for i, name in enumerate(names, 1)]
    json.dump({"images": images, "annotations": annotations, "categories": categories}, sys.stdout)


if __name__ == "__main__":
    main()
