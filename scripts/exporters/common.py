"""What all exporters share: rows, pictures, answers, and the comparison of two lists of answers."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Callable, Iterable
from typing import Any

# Side of the networks' input in pixels, and the least score of an answer.
SIDE = 320
LEAST = 0.02
# Pictures of other shapes than the inputs, width first.
ODD = ((500, 375), (241, 327), (640, 640))

Answer = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Row:
    """One model: a network, the arguments of its export, the number of classes, and the versions that have it (none: all)."""

    network: str
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    classes: int = 3
    versions: tuple[str, ...] = ()
    # Side of the pictures, or their sizes; and more arguments of our `evaluate`.
    side: int = SIDE
    sizes: tuple[tuple[int, int], ...] = ()
    evaluate: tuple[str, ...] = ()
    # Scores and boxes of networks in 16 or 8 bits are computed by another order of kernels: how far they may be off.
    score: float = 1e-3
    least: float = LEAST

    @property
    def title(self) -> str:
        return f"{self.network} | {self.classes} | {' '.join(f'{k}={v}' for k, v in self.arguments.items()) or '-'}"

    @property
    def slug(self) -> str:
        return re.sub(r"[^A-Za-z0-9.]+", "-", self.title).strip("-")

    @property
    def seed(self) -> int:
        return sum(self.title.encode())

    @property
    def pictures(self) -> str:
        """The folder of its pictures."""
        return "images-odd" if self.sizes else f"images-{self.side}"


def pictures(cache: pathlib.Path, row: Row) -> list[pathlib.Path]:
    """Three pictures of gradients, discs and noise: as large as the input or smaller, so that no resizing comes between
    where images are padded, or of the row's own sizes."""
    import cv2
    import numpy as np

    folder = cache / row.pictures
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    side = row.side
    for k, (width, height) in enumerate(row.sizes or ((side, side), (side, side * 4 // 5), (side * 4 // 5, side))):
        paths.append(folder / f"{k}.png")
        if paths[-1].exists():
            continue
        random = np.random.default_rng(k)
        y, x = np.mgrid[0:height, 0:width]
        picture = np.stack([x * 255 // width, y * 255 // height, (x * 7 + y * 13) % 256], 2).astype(np.uint8)
        for _ in range(12):
            center, color = random.integers(0, (width, height)), random.integers(0, 256, 3)
            radius = int(random.integers(8, 60))
            cv2.circle(picture, [int(v) for v in center], radius, [int(v) for v in color], -1)
        cv2.imwrite(str(paths[-1]), picture)
    return paths


def answer(image: int, box: Iterable[float], score: float, kind: int, mask: Any) -> Answer:
    """One object: the picture's number, corners in pixels, the class by its index in the list of names, and a mask of 0 and 1."""
    import numpy as np
    from pycocotools import mask as runs

    counts = runs.encode(np.asfortranarray(np.asarray(mask).astype(np.uint8)))
    return {
        "image": image,
        "box": [float(v) for v in box],
        "score": float(score),
        "class": int(kind),
        "mask": {"size": counts["size"], "counts": counts["counts"].decode()},
    }


def answers_of(predict: Callable[[str], Any], paths: list[pathlib.Path], classes: int) -> list[Answer]:
    """The answers of a predictor that gives boxes, scores, labels and masks of a picture; boxes are clipped to it, as ours are."""
    import cv2

    found = []
    for k, path in enumerate(paths):
        height, width = cv2.imread(str(path)).shape[:2]
        boxes, scores, labels, masks = predict(str(path))
        for box, score, label, mask in zip(boxes.tolist(), scores.tolist(), labels.tolist(), masks):
            # RF-DETR's slot for no object, which LibreYOLO answers too, is none of the classes.
            if label < classes:
                found.append(answer(k, clipped(box, width, height), score, label, mask))
    return found


def clipped(box: Iterable[float], width: float, height: float) -> list[float]:
    return [min(max(v, 0), limit) for v, limit in zip(box, (width, height) * 2)]


def names(count: int) -> list[str]:
    """Names of classes: their numbers."""
    return [str(k) for k in range(count)]


def model_file(folder: pathlib.Path) -> pathlib.Path:
    """Where a row's model goes."""
    return folder / "models/export/1/model.onnx"


def own_names(folder: pathlib.Path, classes: int) -> None:
    """Notes the names that a tool wrote into the metadata, in Python's or JSON's notation of a dictionary; where it wrote none,
    the numbers are the names, and stand in `model.json`: finished rows do not tell how many classes there are."""
    import ast

    written = session(model_file(folder)).get_modelmeta().custom_metadata_map.get("names", "{}")
    found = {int(key): value for key, value in ast.literal_eval(written).items()}
    if not found:
        (folder / "models/export/1/model.json").write_text(json.dumps({"names": names(classes)}))
    (folder / "names.json").write_text(json.dumps([found.get(k, str(k)) for k in range(classes)]))


def session(path: pathlib.Path) -> Any:
    """onnxruntime with one thread, and everything that a file answers as a function of its inputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def trace() -> None:
    """Exporters that leave the choice of torch's exporter to torch were written for the tracing one, not its choice today."""
    import torch

    export = torch.onnx.export
    torch.onnx.export = lambda *values, **named: export(*values, **{"dynamo": False, **named})


def keep_order() -> None:
    """Equal scores in the order of their cells, as ours: torch's own order of them depends on the machine, and which of two boxes
    goes first decides what both suppress."""
    import torch

    def argsort(values: Any, dim: int = -1, descending: bool = False) -> Any:
        return torch.argsort(values, dim=dim, descending=descending, stable=True)

    torch.Tensor.argsort = argsort


def compare(theirs: list[Answer], found: list[Answer]) -> dict[str, Any]:
    """The worst differences of matched objects, and how many have no match.

    With random weights neighboring cells propose boxes whose scores agree to the seventh digit, and suppression keeps one or the
    other: objects without a match are tied if the other side has an object without a match, of their class, that has their score
    to 2e-5 or that suppresses them.
    """
    from pycocotools import mask as runs

    left = list(found)
    worst: dict[str, Any] = {"missing": 0, "more": 0, "tied": 0, "corner": 0.0, "score": 0.0, "mask": 1.0}
    alone = []
    for one in theirs:
        # Their cutting leaves slivers of a few pixels that ours does not have, and the other way round.
        best = nearest(one, left)
        if best is None or distance(one, best) > 1:
            alone.append(one)
            continue
        left.remove(best)
        worst["corner"] = max(worst["corner"], distance(one, best))
        worst["score"] = max(worst["score"], abs(best["score"] - one["score"]))
        if runs.area(one["mask"]) >= 256:
            worst["mask"] = min(worst["mask"], float(runs.iou([one["mask"]], [best["segmentation"]], [0])[0, 0]))
    theirs_alone, ours_alone = [form(o) for o in alone], [form(o) for o in left]
    counted = [form(o) for o in alone if runs.area(o["mask"]) > 16]
    worst["missing"] = sum(not tied(one, ours_alone) for one in counted)
    worst["more"] = sum(not tied(form(o), theirs_alone) for o in left if runs.area(o["segmentation"]) > 16)
    worst["tied"] = len(counted) - worst["missing"]
    return worst


def distance(one: Answer, other: Answer) -> float:
    """The worst corner between an answer of theirs and one of ours."""
    x, y, w, h = other["bbox"]
    return max(abs(a - b) for a, b in zip(one["box"], (x, y, x + w, y + h)))


def nearest(one: Answer, left: list[Answer]) -> Answer | None:
    """Of ours the one that is theirs: of several with this box, as whole pictures have, the mask tells."""
    from pycocotools import mask as runs

    def badness(other: Answer) -> float:
        apart = distance(one, other)
        overlap = float(runs.iou([one["mask"]], [other["segmentation"]], [0])[0, 0]) if apart <= 1 else 0.0
        return apart + 100 * abs(other["score"] - one["score"]) - overlap

    same = [
        o
        for o in left
        if o["image_id"] == one["image"] and o["category_id"] == one["class"] and abs(o["score"] - one["score"]) < 5e-3
    ]
    return min(same, key=badness, default=None)


Form = tuple[int, int, float, tuple[float, float, float, float]]


def form(o: Answer) -> Form:
    """Picture, class, score and corners of an answer of theirs or ours."""
    if "box" in o:
        x1, y1, x2, y2 = o["box"]
        return o["image"], o["class"], o["score"], (x1, y1, x2, y2)
    x, y, w, h = o["bbox"]
    return o["image_id"], o["category_id"], o["score"], (x, y, x + w, y + h)


def tied(one: Form, others: list[Form]) -> bool:
    return any(
        one[:2] == other[:2]
        and (abs(one[2] - other[2]) < 2e-5 or (other[2] > one[2] - 2e-5 and overlap_of(one[3], other[3]) > 0.69))
        for other in others
    )


def overlap_of(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    width, height = (max(min(one[k + 2], other[k + 2]) - max(one[k], other[k]), 0) for k in (0, 1))
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)) - width * height
    return width * height / area if area > 0 else 0


def is_same(worst: dict[str, Any], row: Row, count: int) -> bool:
    """Whether all is within the tolerances, with at most a third of the objects tied."""
    few = 0 <= worst["tied"] <= count / 3 < count and worst["missing"] == worst["more"] == 0
    return few and worst["corner"] <= 0.5 and worst["score"] <= row.score and worst["mask"] >= 0.99
