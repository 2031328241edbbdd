"""What all exporters share: rows, pictures, answers, and the comparison of two lists of answers."""

import dataclasses
import re

# Side of the networks' input in pixels, and the least score of an answer.
SIDE = 320
LEAST = 0.02


@dataclasses.dataclass(frozen=True)
class Row:
    """One model: a network, the arguments of its export, the number of classes, and the versions that have it (none: all)."""
    network: str
    arguments: dict = dataclasses.field(default_factory=dict)
    classes: int = 3
    versions: tuple = ()
    # Side of the pictures, and more arguments of our `evaluate`.
    side: int = SIDE
    evaluate: tuple = ()
    # Scores and boxes of networks in 16 or 8 bits are computed by another order of kernels: how far they may be off.
    score: float = 1e-3

    @property
    def title(self):
        return f"{self.network} | {self.classes} | {' '.join(f'{k}={v}' for k, v in self.arguments.items()) or '-'}"

    @property
    def slug(self):
        return re.sub(r"[^A-Za-z0-9.]+", "-", self.title).strip("-")


def pictures(folder, side=SIDE):
    """Three pictures as large as the input or smaller, so that no resizing comes between where images are padded: gradients, discs and noise."""
    import cv2
    import numpy as np
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k, (width, height) in enumerate([(side, side), (side, side * 4 // 5), (side * 4 // 5, side)]):
        paths.append(folder / f"{k}.png")
        if paths[-1].exists():
            continue
        random = np.random.default_rng(k)
        y, x = np.mgrid[0:height, 0:width]
        picture = np.stack([x * 255 // width, y * 255 // height, (x * 7 + y * 13) % 256], 2).astype(np.uint8)
        for _ in range(12):
            center, color = random.integers(0, (width, height)), random.integers(0, 256, 3)
            cv2.circle(picture, [int(v) for v in center], int(random.integers(8, 60)), [int(v) for v in color], -1)
        cv2.imwrite(str(paths[-1]), picture)
    return paths


def answer(image, box, score, kind, mask):
    """One object: the picture's number, corners in pixels, the class by its index in the list of names, and a mask of 0 and 1."""
    import numpy as np
    from pycocotools import mask as runs
    counts = runs.encode(np.asfortranarray(np.asarray(mask).astype(np.uint8)))
    return {"image": image, "box": [float(v) for v in box], "score": float(score), "class": int(kind),
            "mask": {"size": counts["size"], "counts": counts["counts"].decode()}}


def names(count):
    """Names of classes: their numbers."""
    return [str(k) for k in range(count)]


def session(path):
    """onnxruntime with one thread, and everything that a file answers as a function of its inputs."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare(theirs, found):
    """The worst differences of matched objects, and how many have no match.

    With random weights neighboring cells propose boxes whose scores agree to the seventh digit, and suppression keeps one or the other:
    objects without a match are tied if the other side has an object without a match, of their class, that has their score to 2e-5 or
    that suppresses them.
    """
    from pycocotools import mask as runs
    left = list(found)
    worst = {"missing": 0, "more": 0, "tied": 0, "corner": 0.0, "score": 0.0, "mask": 1.0}
    alone = []
    for one in theirs:
        def distance(other):
            x, y, w, h = other["bbox"]
            return max(abs(a - b) for a, b in zip(one["box"], (x, y, x + w, y + h)))
        same = [o for o in left if o["image_id"] == one["image"] and o["category_id"] == one["class"] and abs(o["score"] - one["score"]) < 5e-3]
        # Of several with this box, as whole pictures have, the mask tells.
        def overlap(other):
            return float(runs.iou([one["mask"]], [other["segmentation"]], [0])[0, 0]) if distance(other) <= 1 else 0
        best = min(same, key=lambda o: distance(o) + 100 * abs(o["score"] - one["score"]) - overlap(o), default=None)
        # Their cutting leaves slivers of a few pixels that ours does not have, and the other way round.
        if best is None or distance(best) > 1:
            alone.append(one)
            continue
        left.remove(best)
        worst["corner"] = max(worst["corner"], distance(best))
        worst["score"] = max(worst["score"], abs(best["score"] - one["score"]))
        if runs.area(one["mask"]) >= 256:
            worst["mask"] = min(worst["mask"], float(runs.iou([one["mask"]], [best["segmentation"]], [0])[0, 0]))
    def form(o):
        x1, y1, x2, y2 = o["box"] if "box" in o else (o["bbox"][0], o["bbox"][1], o["bbox"][0] + o["bbox"][2], o["bbox"][1] + o["bbox"][3])
        return o.get("image", o.get("image_id")), o.get("class", o.get("category_id")), o["score"], (x1, y1, x2, y2)
    theirs_alone, ours_alone = [form(o) for o in alone], [form(o) for o in left]
    def tied(one, others):
        return any(one[:2] == other[:2] and (abs(one[2] - other[2]) < 2e-5 or other[2] > one[2] - 2e-5 and overlap_of(one[3], other[3]) > 0.69) for other in others)
    counted = [form(o) for o in alone if runs.area(o["mask"]) > 16]
    worst["missing"] = sum(not tied(one, ours_alone) for one in counted)
    worst["more"] = sum(not tied(form(o), theirs_alone) for o in left if runs.area(o["segmentation"]) > 16)
    worst["tied"] = len(counted) - worst["missing"]
    return worst


def overlap_of(one, other):
    """Intersection over union of two boxes."""
    width, height = (max(min(one[k + 2], other[k + 2]) - max(one[k], other[k]), 0) for k in (0, 1))
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)) - width * height
    return width * height / area if area > 0 else 0


def is_same(worst, row, count):
    """Whether all is within the tolerances, with at most a third of the objects tied."""
    return 0 <= worst["tied"] <= count / 3 < count and worst["missing"] == worst["more"] == 0 and worst["corner"] <= 0.5 and worst["score"] <= row.score and worst["mask"] >= 0.99
