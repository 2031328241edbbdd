"""YOLOE of Ultralytics with prompts that are part of the file, with its own `predict` on the exported file."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from . import ultralytics
from .common import ODD, SIDE, Answer, Row, answers_of, keep_order, model_file, own_names, trace

VERSIONS = {v: [f"ultralytics=={v}"] for v in ("8.4.190", "8.3.200")}
SQUARE_BEFORE = (8, 4)
ENVIRONMENT = ultralytics.ENVIRONMENT
LEAST = 0.1
NEW = ("8.4.190",)


def row(network: str, arguments: dict[str, object], classes: int, versions: tuple[str, ...] = ()) -> Row:
    return Row(network, arguments, classes, versions, sizes=ODD, least=LEAST)


# What the prompt-free checkpoints have in place of prompts is a vocabulary of 4,585 names.
ROWS = [
    row("yoloe-11s-seg", {}, 3),
    row("yoloe-11s-seg", {"dynamic": True}, 1, NEW),
    row("yoloe-v8s-seg", {"simplify": False}, 5),
    row("yoloe-26n-seg", {}, 3, NEW),
    row("yoloe-26n-seg", {"dynamic": True}, 3, NEW),
    row("yoloe-11s-seg-pf", {}, 4585),
    row("yoloe-26n-seg-pf", {}, 4585, NEW),
    row("yoloe-11s-seg-pf", {"dynamic": True}, 4585, NEW),
]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import numpy as np
    import torch
    from ultralytics import YOLO, YOLOE

    trace()
    # The scale is in the name of the file.
    model = YOLOE(f"{row.network.removesuffix('-pf')}.yaml", task="segment")
    generator = torch.Generator().manual_seed(7)
    vary(model.model, generator)
    embeddings = torch.randn(1, row.classes, 512, generator=generator)
    embeddings /= embeddings.norm(dim=-1, keepdim=True)
    names = [f"thing {c}" for c in range(row.classes)]
    if row.network.endswith("-pf"):
        model.model.eval()
        model.model.set_vocab(vocabulary(model.model, len(names), generator), names)
    else:
        model.model.set_classes(names, embeddings)
        model.predictor = None
        spread_scores(model.model)
    made = model.export(format="onnx", device="cpu", verbose=False, imgsz=SIDE, **row.arguments)
    os.replace(made, model_file(folder))
    own_names(folder, row.classes)
    keep_order()
    predictor = YOLO(str(model_file(folder)), task="segment")

    def predict(picture: str) -> list[Any]:
        settings = {"retina_masks": True, "max_det": 300, "verbose": False, "device": "cpu"}
        found = predictor.predict(picture, conf=LEAST, iou=0.7, imgsz=SIDE, **settings)[0]
        masks = [] if found.masks is None else found.masks.data
        return [np.asarray(part) for part in (found.boxes.xyxy, found.boxes.conf, found.boxes.cls, masks)]

    return answers_of(predict, pictures, row.classes)


def vary(network: Any, generator: Any) -> None:
    """Scores and the similarity of prompt and cell, which the initial weights bring to nothing."""
    import torch

    for name, module in network.model[-1].named_modules():
        is_last = isinstance(module, torch.nn.Conv2d) and module.bias is not None and module.kernel_size == (1, 1)
        if is_last and ("cv3" in name or "cv5" in name):
            module.weight.data.normal_(0, 1, generator=generator)
            module.bias.data.normal_(0, 1, generator=generator)
    for module in network.modules():
        if type(module).__name__ == "BNContrastiveHead":
            module.bias.data.fill_(-2)
            module.logit_scale.data.fill_(1.5)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.weight.data.uniform_(0.5, 2, generator=generator)


def spread_scores(network: Any) -> None:
    """The similarity of prompt and cell as most networks have it: scores that saturate are equal, and their order is open."""
    import torch

    network.eval()
    hooks = []
    for module in network.modules():
        if type(module).__name__ == "BNContrastiveHead":

            def scale(module: Any, _: Any, output: Any) -> None:
                module.logit_scale.data -= torch.log((output - module.bias).std() / 1.5)

            hooks.append(module.register_forward_hook(scale))
    with torch.no_grad():
        network(torch.rand(1, 3, SIDE, SIDE))
    for hook in hooks:
        hook.remove()


def vocabulary(network: Any, count: int, generator: Any) -> Any:
    """Convolutions of random weights in the form of a vocabulary."""
    import torch

    layers = torch.nn.ModuleList()
    for block in network.model[-1].cv3:
        layer = torch.nn.Conv2d(block[-1].in_channels, count, 1)
        layer.weight.data.normal_(0, 0.3, generator=generator)
        layer.bias.data.normal_(-6, 1, generator=generator)
        layers.append(layer)
    return layers
