"""The original YOLOv9 and the anchor-free YOLOv7 by the package `yolo9`, with its own suppression and masks on the exported
file."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

from . import yolov5
from .common import SIDE, Answer, Row, model_file, names, session, trace

VERSIONS = {"1.0.18": ["yolo9==1.0.18"]}
ROWS = [
    Row("yolov7-af-seg", {}, 80),
    Row("yolov7-af-seg", {"dynamic": True}, evaluate=yolov5.SQUARE),
    Row("gelan-c-seg", {}, 1),
    Row("gelan-c-seg", {"dynamic": True}, evaluate=yolov5.SQUARE),
    Row("gelan-c-dseg", {}),
    Row("yolov9-c-dseg", {}),
    Row("yolov9-c-dseg", {"dynamic": True}, 1, evaluate=yolov5.SQUARE),
    Row("gelan-c-pan", {}),
]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import torch
    import yolo9

    package = pathlib.Path(yolo9.__file__).parent
    sys.path.insert(0, str(package))
    trace()
    from yolo9.export import export_onnx
    from yolo9.models import yolo
    from yolo9.utils.general import non_max_suppression
    from yolo9.utils.segment.general import process_mask_upsample

    config = next((package / "models").rglob(f"{row.network}.yaml"))
    model = yolo.SegmentationModel(str(config), ch=3, nc=row.classes)
    model.names = dict(enumerate(names(row.classes)))
    model.eval()
    vary(model, row.classes, pictures[0])
    model = model.fuse().eval()
    dynamic = row.arguments.get("dynamic", False)
    for module in model.modules():
        if isinstance(module, (yolo.Detect, yolo.DDetect, yolo.DualDetect, yolo.DualDDetect)):
            module.inplace, module.dynamic, module.export = False, dynamic, True
    image = torch.zeros(1, 3, SIDE, SIDE)
    model(image)
    target = model_file(folder)
    export_onnx(model, image, target, row.arguments.get("opset", 12), dynamic, False)
    if not target.exists():
        raise SystemExit("no file was made")
    if dynamic:
        yolov5.size(folder, SIDE)

    def masks(prototypes: Any, coefficients: Any, boxes: Any, size: tuple[int, int]) -> Any:
        # Pictures have the input's scale: what is made in its size is cut to them.
        left, top = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
        moved = boxes + torch.tensor([left, top, left, top])
        whole = process_mask_upsample(prototypes, coefficients, moved, (SIDE, SIDE))
        return whole[:, top : top + size[0], left : left + size[1]]

    def outputs(found: list[Any]) -> tuple[Any, Any]:
        # `out[1][-1]` of segment/predict.py: the last map of rank 4 that has as many planes as there are coefficients.
        return found[0], [f for f in found if f.ndim == 4 and f.shape[1] == 32][-1]

    return yolov5.own(session(target), pictures, (SIDE, SIDE), non_max_suppression, masks, outputs)


def vary(model: Any, classes: int, picture: pathlib.Path) -> None:
    """Weights with which about a hundred cells reach a score, and coefficients of both signs, without which no mask has a pixel."""
    import torch

    outputs = [m for m in model.model[-1].modules() if isinstance(m, torch.nn.Conv2d) and m.bias is not None]
    last = [m for m in outputs if m.out_channels == classes]
    for module in outputs:
        if module.out_channels == 32:
            module.weight.data.normal_(0, 1)
            module.bias.data.normal_(0, 1)
    for module in last:
        module.weight.data.normal_(0, 1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.weight.data.uniform_(0.5, 1.5)
    with torch.no_grad():
        rows = model(yolov5.tensor(picture))
    while not isinstance(rows, torch.Tensor):
        rows = rows[0]
    best = rows[0, 4 : 4 + classes].amax(0)
    hundredth = torch.logit(best.sort(descending=True).values[100].clamp(1e-6, 1 - 1e-6))
    for module in last:
        module.bias.data -= hundredth + 2
