"""Mask R-CNN by torchvision, traced or captured by torch, with torchvision's own answer of the traced network in onnxruntime."""

from __future__ import annotations

import pathlib
from typing import Any

from .common import LEAST, SIDE, Answer, Row, answer, clipped, model_file, names, session

# Each with the torch that it was built for.
VERSIONS: dict[str, list[str]] = {
    "installed": [],
    "0.22.1": ["torchvision==0.22.1", "torch==2.7.1", "onnx==1.17.0"],
    "0.19.1": ["torchvision==0.19.1", "torch==2.4.1", "onnx==1.17.0"],
}
WITH_DEPENDENCIES = ("0.22.1", "0.19.1")
NEW = ("installed",)
ROWS = [
    Row("maskrcnn small", {"opset": 11}),
    Row("maskrcnn small", {"opset": 17}),
    Row("maskrcnn small", {"opset": 20, "dynamic": True}),
    Row("maskrcnn small", {"dynamic": True}, 1),
    Row("maskrcnn small", {"dynamic": True, "names": False}),
    Row("maskrcnn small", {"dynamic": True}, 80),
    Row("maskrcnn small", {"dynamo": True}, versions=NEW),
    Row("maskrcnn_resnet50_fpn_v2", {"dynamic": True}),
]
OUTPUTS = ["boxes", "labels", "scores", "masks"]
FREE = {
    "image": {1: "height", 2: "width"},
    "boxes": {0: "n"},
    "labels": {0: "n"},
    "scores": {0: "n"},
    "masks": {0: "n", 2: "height", 3: "width"},
}


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import inspect

    import torch

    arguments = row.arguments
    model = small(row.classes) if row.network.endswith("small") else large(row.classes)
    vary(model)
    target = model_file(folder)
    values = (model, ([tensor(pictures[0])],), str(target))
    # Before 2.5 `export` was the tracing exporter.
    takes_dynamo = "dynamo" in inspect.signature(torch.onnx.export).parameters
    dynamo = {"dynamo": arguments.get("dynamo", False)} if takes_dynamo else {}
    if not arguments.get("names", True):
        torch.onnx.export(*values, opset_version=17, **dynamo)
    else:
        opset = arguments.get("opset", 18 if dynamo.get("dynamo") else 17)
        axes = FREE if arguments.get("dynamic") else None
        torch.onnx.export(*values, opset_version=opset, input_names=["image"], output_names=OUTPUTS, dynamic_axes=axes, **dynamo)
    (target.parent / "class_names.txt").write_text("\n".join(["__background__", *names(row.classes)]) + "\n")
    network = session(target)
    taken = network.get_inputs()[0]
    answers = []
    for k, path in enumerate(pictures):
        x = tensor(path)
        height, width = x.shape[1:]
        if isinstance(taken.shape[1], int):
            # A network of a fixed size gets the picture in the upper left corner.
            padded = torch.zeros(3, *taken.shape[1:])
            padded[:, :height, :width] = x
            x = padded
        for box, label, score, probabilities in zip(*network.run(None, {taken.name: x.numpy()})):
            mask = probabilities[0, :height, :width] > 0.5
            if score >= LEAST and mask.any():
                answers.append(answer(k, clipped(box, width, height), score, label - 1, mask))
    return answers


def tensor(path: pathlib.Path) -> Any:
    import torchvision.transforms.functional as F
    from PIL import Image

    return F.to_tensor(Image.open(path).convert("RGB"))


FEW = {"rpn_pre_nms_top_n_test": 200, "rpn_post_nms_top_n_test": 60, "box_detections_per_img": 40, "box_score_thresh": LEAST}


def small(classes: int) -> Any:
    from torch import nn
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
    from torchvision.ops import MultiScaleRoIAlign

    def block(i: int, o: int, s: int) -> Any:
        return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())

    backbone = nn.Sequential(block(3, 16, 2), block(16, 16, 2), block(16, 16, 2))
    backbone.out_channels = 16
    return MaskRCNN(
        backbone,
        num_classes=None,
        min_size=SIDE,
        max_size=2 * SIDE,
        rpn_anchor_generator=AnchorGenerator(((16, 32, 64),), ((0.5, 1.0, 2.0),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 5, 2),
        box_head=TwoMLPHead(16 * 25, 32),
        box_predictor=FastRCNNPredictor(32, classes + 1),
        mask_roi_pool=MultiScaleRoIAlign(["0"], 14, 2),
        mask_head=MaskRCNNHeads(16, (16,), 1),
        mask_predictor=MaskRCNNPredictor(16, 16, classes + 1),
        **FEW,
    )


def large(classes: int) -> Any:
    from torchvision.models.detection import maskrcnn_resnet50_fpn_v2

    sizes = {"min_size": SIDE, "max_size": 2 * SIDE}
    return maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=classes + 1, **sizes, **FEW)


def vary(model: Any) -> None:
    import torch

    model.eval()
    seen: list[Any] = []
    score = model.roi_heads.box_predictor.cls_score
    hook = score.register_forward_hook(lambda _, __, output: seen.append(output.detach()))
    torch.manual_seed(1)
    with torch.no_grad():
        model([torch.rand(3, SIDE, SIDE)])
    hook.remove()
    scale = 2.0 / float(seen[0].std(0).mean())
    score.bias.data = (score.bias.data - seen[0].mean(0)) * scale
    score.weight.data *= scale
    model.rpn.head.cls_logits.weight.data *= 50
    model.roi_heads.mask_predictor.mask_fcn_logits.weight.data *= 4
