"""Makes Tests/TestSupport/Fixtures/evaluation.json: made-up annotations and detections, and what pycocotools says of them.

    pip install pycocotools==2.0.11 numpy && python3 scripts/make_evaluation_fixture.py
"""

import contextlib
import io
import json
import pathlib
import tempfile
from typing import Any

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = np.random.default_rng(20261124)
images: list[dict[str, Any]] = []
annotations: list[dict[str, Any]] = []
detections: list[dict[str, Any]] = []
for image_id in range(1, 13):
    w, h = int(rng.integers(90, 180)), int(rng.integers(90, 180))
    images.append({"id": image_id, "file_name": f"{image_id}.jpg", "width": w, "height": h})
    for _ in range(rng.integers(0, 7)):
        x, y = rng.uniform(0, w * 0.7), rng.uniform(0, h * 0.7)
        bw, bh = rng.uniform(6, w - x), rng.uniform(6, h - y)
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 12)))
        ring = np.stack([x + bw / 2 + bw / 2 * np.cos(angles), y + bh / 2 + bh / 2 * np.sin(angles)], 1).ravel().round(2).tolist()
        rings = [ring]
        if rng.random() < 0.2:
            rings.append([x, y, x + bw / 4, y, x, y + bh / 4])
        category = int(rng.integers(1, 4))
        crowd = int(rng.random() < 0.12)
        rle = masks.merge(masks.frPyObjects(rings, h, w))
        segmentation = {"size": [h, w], "counts": rle["counts"].decode()} if crowd else rings
        annotations.append({"id": len(annotations) + 1, "image_id": image_id, "category_id": category, "iscrowd": crowd,
                            "area": float(masks.area(rle)), "bbox": masks.toBbox(rle).tolist(), "segmentation": segmentation,
                            "runs": rle["counts"].decode()})
        for _ in range(rng.integers(0, 4)):
            noise = rng.normal(0, rng.choice([0.5, 3, 10]), len(ring))
            found = masks.merge(masks.frPyObjects([(np.array(ring) + noise).clip(0).tolist()], h, w))
            if masks.area(found) == 0:
                continue
            box = masks.toBbox(found).tolist()
            detections.append({"image_id": image_id, "category_id": category if rng.random() < 0.8 else int(rng.integers(1, 4)),
                               "score": float(rng.choice([round(rng.uniform(0, 1), 2), 0.5])), "bbox": box,
                               "segmentation": {"size": [h, w], "counts": found["counts"].decode()}})
truth = {"images": images, "annotations": annotations,
         "categories": [{"id": i, "name": n} for i, n in ((1, "a"), (2, "b"), (3, "c"), (4, "absent"))]}
results = {}
with contextlib.redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as scratch:
    path = pathlib.Path(scratch) / "truth.json"
    path.write_text(json.dumps(truth))
    coco = COCO(str(path))
    for kind in ("segm", "bbox"):
        # With its box, as files of results have it, the area of a detection is that of its box for masks too.
        found = [{k: v for k, v in d.items() if kind == "segm" or k != "segmentation"} for d in detections]
        evaluation = COCOeval(coco, coco.loadRes(found), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        results[kind] = evaluation.stats.tolist()
folder = pathlib.Path(__file__).parent.parent / "Tests" / "TestSupport" / "Fixtures"
(folder / "evaluation.json").write_text(json.dumps({**truth, "detections": detections, "results": results}))
print(len(annotations), len(detections), results)
