"""LibreYOLO: ECSeg, GTR, D-FINE-seg, RF-DETR, Mask R-CNN and YOLOv9-seg, with its own predictor on the exported file."""

from __future__ import annotations

import importlib
import pathlib
from typing import Any

from .common import ODD, SIDE, Answer, Row, answers_of, model_file, own_names
from .weights import spread

VERSIONS = {v: [f"libreyolo=={v}"] for v in ("1.6.0", "1.5.0", "1.4.0", "1.3.1", "1.2.0")}
LEAST = 0.1
CLASSES = {
    "ec": "LibreEC",
    "gtr": "LibreGTR",
    "dfine": "LibreDFINE",
    "rfdetr": "LibreRFDETR",
    "mask_rcnn": "LibreMaskRCNN",
    "yolo9": "LibreYOLO9",
}


def row(network: str, arguments: dict[str, object], classes: int, versions: tuple[str, ...] = ("1.6.0",)) -> Row:
    return Row(network, arguments, classes, versions, sizes=ODD, least=LEAST)


OLDEST = ("1.2.0",)
PLAIN: dict[str, object] = {"dynamic": False, "simplify": False}
ROWS = [
    row("ec s", {}, 3, ("1.6.0", "1.5.0", "1.4.0", "1.3.1", "1.2.0")),
    row("ec s", PLAIN, 1),
    row("ec s", {"half": True}, 80),
    row("gtr s", {}, 3),
    row("gtr s", {"simplify": False}, 80),
    row("dfine n", {}, 3, ("1.6.0", "1.5.0", "1.4.0")),
    row("dfine n", PLAIN, 1),
    row("dfine n", {"half": True}, 80),
    row("dfine n", {"imgsz": SIDE}, 3),
    row("rfdetr n", {}, 3, ("1.6.0", "1.5.0", "1.4.0", "1.3.1", "1.2.0")),
    row("rfdetr n", PLAIN, 1),
    row("rfdetr n", {}, 80, ("1.6.0", "1.5.0")),
    row("rfdetr n", {"half": True}, 3),
    row("mask_rcnn r50", {"imgsz": SIDE}, 3, ("1.6.0", "1.5.0")),
    row("mask_rcnn r50", {"imgsz": SIDE, "dynamic": False}, 3),
    row("mask_rcnn r50", {"imgsz": SIDE}, 80),
    row("yolo9 t", {"imgsz": SIDE}, 3, OLDEST),
    row("yolo9 t", {"imgsz": SIDE, "dynamic": False}, 1, OLDEST),
    row("yolo9 t", {"imgsz": SIDE, "half": True}, 80, OLDEST),
]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    family, size = row.network.split()
    kind = getattr(importlib.import_module(f"libreyolo.models.{family}.model"), CLASSES[family])
    start: list[Any] = [{} if family == "rfdetr" else None]
    model = kind(*start, size=size, nb_classes=row.classes, device="cpu", task="segment")
    convolutions = ("cv3", "head.class", "cls_branch") if family == "yolo9" else ()
    spread(model.model, ("score_head", "dec_bbox_head", "class_embed", "cls_score"), convolutions)
    model.export(format="onnx", output_path=str(model_file(folder)), **row.arguments)
    own_names(folder, row.classes)
    return answers_of(predictor(model_file(folder), row.classes), pictures, row.classes)


def predictor(target: pathlib.Path, classes: int) -> Any:
    import numpy as np
    from libreyolo.backends.onnx import OnnxBackend

    own = OnnxBackend(str(target), nb_classes=classes)

    def predict(picture: str) -> list[Any]:
        found = own(picture, conf=LEAST, iou=0.7, max_det=300)
        found = found[0] if isinstance(found, list) else found
        masks = [] if found.masks is None else found.masks.data
        return [np.asarray(part) for part in (found.boxes.xyxy, found.boxes.conf, found.boxes.cls, masks)]

    return predict
