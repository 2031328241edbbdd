"""YOLOv5-seg by the package `yolov5`, with its own suppression and masks on the exported file."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from .common import LEAST, SIDE, Answer, Row, answer, keep_order, model_file, names, session, trace

_OTHERS = ["setuptools<81", "fire", "termcolor", "sahi==0.11.18", "tqdm", "huggingface-hub<0.25", "ultralytics==8.2.0"]
VERSIONS = {v: [f"yolov5=={v}", *_OTHERS] for v in ("7.0.14", "7.0.5", "7.0.0")}
# Its predictor gives every exported file the full square.
SQUARE = ("--square",)
ROWS = [
    Row("yolov5n-seg", {}, 80),
    Row("yolov5n-seg", {"dynamic": True}, 80, evaluate=SQUARE),
    Row("yolov5n-seg", {"dynamic": True}, 1, evaluate=SQUARE),
    Row("yolov5n-seg", {}, 1),
    Row("yolov5n-seg", {"simplify": True}, 3),
    Row("yolov5n-seg", {"opset": 17}, 3),
    Row("yolov5n-seg", {"imgsz": [SIDE, SIDE * 4 // 5]}, 3),
]
ENVIRONMENT = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}

# A picture as the network takes it, with its place and scale.
Letter = tuple[Any, int, int, float]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import torch
    import yolov5

    package = pathlib.Path(yolov5.__file__).parent
    sys.path.insert(0, str(package))
    trace()
    from yolov5.export import export_onnx
    from yolov5.models.yolo import Detect, SegmentationModel
    from yolov5.utils.general import non_max_suppression
    from yolov5.utils.segment.general import process_mask_native

    arguments = dict(row.arguments)
    height, width = arguments.pop("imgsz", [SIDE, SIDE])
    model = SegmentationModel(str(package / f"models/segment/{row.network}.yaml"), ch=3, nc=row.classes)
    model.names = dict(enumerate(names(row.classes)))
    vary(model, pictures[0])
    model = model.fuse().eval()
    dynamic = arguments.get("dynamic", False)
    for module in model.modules():
        if isinstance(module, Detect):
            module.inplace, module.dynamic, module.export = False, dynamic, True
    image = torch.zeros(1, 3, height, width)
    model(image)
    target = model_file(folder)
    export_onnx(model, image, target, arguments.get("opset", 12), dynamic, arguments.get("simplify", False))
    if not target.exists():
        raise SystemExit("no file was made")
    if dynamic:
        size(folder, SIDE)
    return own(session(target), pictures, (height, width), non_max_suppression, process_mask_native)


def vary(model: Any, picture: pathlib.Path) -> None:
    """Weights with which about a hundred cells reach a score."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.weight.data.uniform_(0.5, 2)
    head = model.model[-1]
    for module in head.m:
        module.weight.data.normal_(0, 0.5)
        module.bias.data.view(head.na, -1)[:, 5:] = 0
    model.eval()
    with torch.no_grad():
        found = model(tensor(picture))[0][0]
    objectness = torch.logit(found[:, 4].sort(descending=True).values[100].clamp(1e-6, 1 - 1e-6))
    for module in head.m:
        module.bias.data.view(head.na, -1)[:, 4] -= objectness


def tensor(picture: pathlib.Path) -> Any:
    import cv2
    import torch

    return torch.from_numpy(cv2.imread(str(picture))[None, :, :, ::-1].copy()).permute(0, 3, 1, 2) / 255


def size(folder: pathlib.Path, side: int) -> None:
    """Says the size of a network of free shape, for which these exporters have no metadata."""
    (folder / "models/export/1/model.json").write_text(json.dumps({"inputSize": side}))


def rows_and_prototypes(found: list[Any]) -> tuple[Any, Any]:
    return found[0], found[1]


def own(
    network: Any,
    pictures: list[pathlib.Path],
    size: tuple[int, int],
    suppress: Any,
    masks_of: Any,
    outputs: Callable[[list[Any]], tuple[Any, Any]] = rows_and_prototypes,
) -> list[Answer]:
    """The answers of `segment/predict.py`, with unrounded boxes. A network of free shape gets the full square there as well."""
    import cv2
    import numpy as np
    import torch

    keep_order()
    answers = []
    for k, path in enumerate(pictures):
        picture = cv2.imread(str(path))
        image, left, top, ratio = letterbox(picture, size)
        x = np.ascontiguousarray(image[None, :, :, ::-1].transpose(0, 3, 1, 2)).astype(np.float32) / 255
        rows, prototypes = outputs(network.run(None, {network.get_inputs()[0].name: x}))
        found = suppress(torch.from_numpy(rows), LEAST, 0.7, max_det=300, nm=32)[0]
        if not len(found):
            continue
        boxes = found[:, :4].clone()
        boxes[:, 0::2] = ((boxes[:, 0::2] - left) / ratio).clamp(0, picture.shape[1])
        boxes[:, 1::2] = ((boxes[:, 1::2] - top) / ratio).clamp(0, picture.shape[0])
        masks = masks_of(torch.from_numpy(prototypes[0]), found[:, 6:], boxes, picture.shape[:2])
        for box, score, kind, mask in zip(boxes.tolist(), found[:, 4].tolist(), found[:, 5].tolist(), masks.numpy()):
            if mask.any():
                answers.append(answer(k, box, score, kind, mask))
    return answers


def letterbox(picture: Any, size: tuple[int, int]) -> Letter:
    """The picture in the middle of a grey rectangle, with its place and scale."""
    import cv2

    ratio = min(size[0] / picture.shape[0], size[1] / picture.shape[1])
    width, height = round(picture.shape[1] * ratio), round(picture.shape[0] * ratio)
    if (width, height) != (picture.shape[1], picture.shape[0]):
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    left, top = round((size[1] - width) / 2 - 0.1), round((size[0] - height) / 2 - 0.1)
    sides = (top, size[0] - height - top, left, size[1] - width - left)
    return cv2.copyMakeBorder(picture, *sides, cv2.BORDER_CONSTANT, value=(114, 114, 114)), left, top, ratio
