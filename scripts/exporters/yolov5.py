"""YOLOv5-seg by the package `yolov5`, with its own suppression and masks on the exported file."""

import json
import pathlib

from .common import LEAST, SIDE, Row, answer, names, session

VERSIONS = {v: [f"yolov5=={v}", "setuptools<81", "fire", "sahi==0.11.18", "tqdm", "huggingface-hub<0.25", "ultralytics==8.2.0"] for v in ("7.0.14", "7.0.5", "7.0.0")}
# Its predictor gives every exported file the full square.
SQUARE = ("--square",)
ROWS = [
    Row("yolov5n-seg", {}, 80), Row("yolov5n-seg", {"dynamic": True}, 80, evaluate=SQUARE), Row("yolov5n-seg", {"dynamic": True}, 1, evaluate=SQUARE),
    Row("yolov5n-seg", {}, 1), Row("yolov5n-seg", {"simplify": True}, 3), Row("yolov5n-seg", {"opset": 17}, 3),
    Row("yolov5n-seg", {"imgsz": [SIDE, SIDE * 4 // 5]}, 3),
]
ENVIRONMENT = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}


def make(row, folder, pictures):
    import sys
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
    torch.manual_seed(sum(row.title.encode()))
    model = SegmentationModel(str(package / f"models/segment/{row.network}.yaml"), ch=3, nc=row.classes)
    model.names = dict(enumerate(names(row.classes)))
    vary(model, pictures[0])
    model = model.fuse().eval()
    for module in model.modules():
        if isinstance(module, Detect):
            module.inplace, module.dynamic, module.export = False, arguments.get("dynamic", False), True
    image = torch.zeros(1, 3, height, width)
    model(image)
    target = folder / "models/export/1/model.onnx"
    export_onnx(model, image, target, arguments.get("opset", 12), arguments.get("dynamic", False), arguments.get("simplify", False))
    if not target.exists():
        raise SystemExit("no file was made")
    if arguments.get("dynamic"):
        size(folder, SIDE)
    return own(session(target), pictures, (height, width), non_max_suppression, process_mask_native)


def trace():
    """Exporters of that time traced; torch's choice is another today."""
    import torch
    export = torch.onnx.export
    torch.onnx.export = lambda *values, **named: export(*values, **{"dynamo": False, **named})


def vary(model, picture):
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


def tensor(picture):
    import cv2
    import torch
    return torch.from_numpy(cv2.imread(str(picture))[None, :, :, ::-1].copy()).permute(0, 3, 1, 2) / 255


def size(folder, side):
    """Says the size of a network of free shape, for which these exporters have no metadata."""
    (folder / "models/export/1/model.json").write_text(json.dumps({"inputSize": side}))


def own(network, pictures, size, suppress, masks_of, outputs=lambda found: (found[0], found[1])):
    """The answers of `segment/predict.py`, with unrounded boxes. A network of free shape gets the full square there as well."""
    import cv2
    import numpy as np
    import torch
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
        answers += [answer(k, box, score, kind, mask) for box, score, kind, mask in
                    zip(boxes.tolist(), found[:, 4].tolist(), found[:, 5].tolist(), masks.numpy()) if mask.any()]
    return answers


def letterbox(picture, size):
    """The picture in the middle of a grey rectangle, with its place and scale."""
    import cv2
    ratio = min(size[0] / picture.shape[0], size[1] / picture.shape[1])
    width, height = round(picture.shape[1] * ratio), round(picture.shape[0] * ratio)
    if (width, height) != (picture.shape[1], picture.shape[0]):
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    left, top = round((size[1] - width) / 2 - 0.1), round((size[0] - height) / 2 - 0.1)
    return cv2.copyMakeBorder(picture, top, size[0] - height - top, left, size[1] - width - left, cv2.BORDER_CONSTANT, value=(114, 114, 114)), left, top, ratio
