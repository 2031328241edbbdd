"""Ultralytics: YOLOv8, YOLOv9, YOLO11, YOLO12 and YOLO26, with its own `predict` on the exported file."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
from collections.abc import Callable
from typing import Any

from .common import LEAST, SIDE, Answer, Row, answer, keep_order, model_file, names, trace

VERSIONS = {v: [f"ultralytics=={v}"] for v in ("8.4.190", "8.4.0", "8.3.0", "8.2.0", "8.1.0")}
VERSIONS["8.1.0"].append("hub-sdk")
# Predictors before 8.4 give networks of free shape the full square.
SQUARE_BEFORE = (8, 4)

# What every version has, what the newest three have, and what is the newest's own.
OLD, MIDDLE, NEW = tuple(VERSIONS), ("8.4.190", "8.3.0", "8.2.0"), ("8.4.190",)
_26 = ("8.4.190", "8.4.0")
ROWS = [
    Row("yolov8n-seg", {}, 80, OLD),
    Row("yolov8n-seg", {"dynamic": True}, 80, MIDDLE),
    Row("yolov8n-seg", {"dynamic": True, "simplify": False}, 80, MIDDLE),
    Row("yolov8n-seg", {"dynamic": True, "simplify": False, "opset": 12}, 80, OLD),
    Row("yolov8n-seg", {"simplify": True, "opset": 11}, 80, MIDDLE),
    Row("yolov8n-seg", {"opset": 17}, 1, MIDDLE),
    Row("yolov8n-seg", {"imgsz": [SIDE, SIDE * 3 // 4]}, 3, OLD),
    Row("yolov8n-seg", {"nms": True}, 3, NEW),
    Row("yolov8n-seg", {"nms": True, "dynamic": True}, 1, NEW),
    Row("yolov8n-seg", {"nms": True, "agnostic_nms": True}, 3, NEW),
    Row("yolov8n-seg", {"batch": 2}, 3, MIDDLE),
    Row("yolov8n-seg", {"int8": True}, 3, NEW, score=5e-3),
    Row("yolov8n-seg-p6", {}, 3, MIDDLE),
    Row("yolov9c-seg", {"dynamic": True}, 3, MIDDLE),
    Row("yolo12n-seg", {}, 3, NEW),
    Row("yolo11n-seg", {"dynamic": True, "simplify": False}, 80, MIDDLE[:2]),
    Row("yolo11n-seg", {}, 1, MIDDLE[:2]),
    Row("yolo11n-seg", {"half": True}, 3, MIDDLE[:2]),
    Row("yolo11n-seg", {"opset": 22}, 3, NEW),
    Row("yolo26n-seg", {}, 3, _26),
    Row("yolo26n-seg", {"dynamic": True, "simplify": False}, 80, _26),
    Row("yolo26n-seg", {"nms": False}, 3, NEW),
    Row("yolo26n-seg", {"nms": False, "dynamic": True}, 1, NEW),
    Row("yolo26n-seg", {"end2end": False}, 3, ("8.4.0",)),
]
ENVIRONMENT = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true"}

Change = Callable[[pathlib.Path], None]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    return answers(row, folder, pictures)


def answers(
    row: Row, folder: pathlib.Path, pictures: list[pathlib.Path], before: Change | None = None, after: Change | None = None
) -> list[Answer]:
    """Makes the model and gives the predictor's answers; `before` and `after` those, the file may be changed."""
    import ultralytics
    from ultralytics import YOLO

    version = tuple(int(v) for v in ultralytics.__version__.split(".")[:3])
    trace()
    model = YOLO(str(network(row, folder, pathlib.Path(ultralytics.__file__).parent)), task="segment")
    vary(model.model, row.classes, pictures[0])
    arguments = dict(row.arguments)
    size = arguments.setdefault("imgsz", SIDE)
    if arguments.get("nms"):
        arguments["conf"] = LEAST
    if arguments.pop("int8", False):
        arguments["data"] = str(calibration(folder, pictures, row.classes))
        arguments |= {"quantize": 8} if version >= (8, 4, 100) else {"int8": True}
    target = model_file(folder)
    os.replace(pathlib.Path(model.export(format="onnx", device="cpu", verbose=False, **arguments)), target)
    if before:
        before(target)
    keep_order()
    predictor = YOLO(str(target), task="segment")
    agnostic = arguments.get("agnostic_nms", False)
    settings = {"conf": LEAST, "iou": 0.7, "imgsz": size, "max_det": 300, "agnostic_nms": agnostic, "retina_masks": True}
    found = []
    for k, picture in enumerate(pictures):
        # A batch of a fixed size is filled with the same picture.
        batch = [str(picture)] * arguments.get("batch", 1)
        result = predictor.predict(batch, verbose=False, device="cpu", **settings)[0]
        masks = [] if result.masks is None else result.masks.data.cpu().numpy()
        boxes = result.boxes
        found += [answer(k, *one) for one in zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), masks)]
    if after:
        after(target)
    return found


def network(row: Row, folder: pathlib.Path, package: pathlib.Path) -> pathlib.Path:
    """The description of the network with the row's number of classes."""
    scale = re.fullmatch(r"(yolo(?:v8|v9|11|12|26))([nsmlxce]?)(-seg.*)", row.network)
    assert scale, row.network
    # YOLOv9's letters are networks of their own.
    name = row.network if scale[1] == "yolov9" else f"{scale[1]}{scale[3]}"
    config = next(package.rglob(f"{name}.yaml"), None)
    if config is None:
        raise SystemExit(f"this version has no {row.network}")
    own = folder / f"{row.network}.yaml"
    own.write_text(re.sub(r"nc: 80", f"nc: {row.classes}", config.read_text()))
    return own


def vary(model: Any, classes: int, picture: pathlib.Path) -> None:
    """Scores and coefficients that differ from cell to cell, while with the initial weights all are nearly the same; and about a
    hundred objects."""
    import cv2
    import torch

    def outputs(kind: str) -> list[Any]:
        return [
            m
            for name, m in model.model[-1].named_modules()
            if isinstance(m, torch.nn.Conv2d) and kind in name and m.kernel_size == (1, 1) and m.bias is not None
        ]

    for kind in ("cv3", "cv4"):
        for module in outputs(kind):
            module.weight.data.normal_(0, 1.5)
            module.bias.data.normal_(0, 1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.weight.data.uniform_(0.5, 2)
    model.eval()
    with torch.no_grad():
        rows = model(torch.from_numpy(cv2.imread(str(picture))[None, :, :, ::-1].copy()).permute(0, 3, 1, 2) / 255)
    while not isinstance(rows, torch.Tensor):
        rows = rows[0]
    best = rows[0, :, 4] if rows.shape[2] < rows.shape[1] else rows[0, 4 : 4 + classes].amax(0)
    hundredth = torch.logit(best.sort(descending=True).values[100].clamp(1e-6, 1 - 1e-6))
    for module in outputs("cv3"):
        module.bias.data -= hundredth + 2


def calibration(folder: pathlib.Path, pictures: list[pathlib.Path], classes: int) -> pathlib.Path:
    """A data set of the pictures, for the quantization of the exporter."""
    data = folder / "data"
    for kind in ("images", "labels"):
        (data / kind).mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shutil.copy(picture, data / "images")
        (data / "labels" / f"{picture.stem}.txt").write_text("0 0.1 0.1 0.9 0.1 0.9 0.9\n")
    file = data / "data.yaml"
    file.write_text(f"path: {data}\ntrain: images\nval: images\nnames: {dict(enumerate(names(classes)))}\n")
    return file
