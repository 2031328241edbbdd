"""D-FINE-seg by the package `nitid`, with its own predictor around the exported file."""

from __future__ import annotations

import pathlib
from typing import Any

from .common import ODD, SIDE, Answer, Row, answers_of, model_file, own_names, session
from .weights import spread

VERSIONS = {v: [f"nitid=={v}"] for v in ("0.9.2", "0.9.1")}
LEAST = 0.1
NEW = ("0.9.2",)
ROWS = [
    Row("n", {}, 3, sizes=ODD, least=LEAST),
    Row("n", {"dynamic": True, "simplify": False}, 80, NEW, sizes=ODD, least=LEAST),
    Row("n", {"postprocess": False}, 3, NEW, sizes=ODD, least=LEAST),
]
DEFAULTS = {
    "format": "onnx",
    "imgsz": SIDE,
    "batch": 1,
    "dynamic": False,
    "simplify": True,
    "opset": 17,
    "half": False,
    "postprocess": True,
    "verbose": False,
    "project": "",
    "name": "",
    "save_dir": None,
    "exist_ok": True,
}


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    from dfine.exporter import DFINEExporter
    from dfine.nn.configs import get_model_config
    from dfine.nn.native_build import build_native_model

    network = build_native_model(row.network, num_classes=row.classes, task="segment", image_size=(SIDE, SIDE)).eval()
    spread(network, ("score_head", "dec_bbox_head"))
    if hasattr(network, "deploy"):
        network = network.deploy() or network
    configuration = {**get_model_config(row.network), "task": "segment", "num_classes": row.classes}
    exporter = DFINEExporter(network, configuration, "cpu")
    code = exporter.export.__code__
    values = {**DEFAULTS, "output": model_file(folder), **row.arguments}
    exporter.export(**{key: values[key] for key in code.co_varnames[: code.co_argcount] if key in values})
    own_names(folder, row.classes)
    predict = predictor(model_file(folder), row.classes, finished=row.arguments.get("postprocess", True))
    return answers_of(predict, pictures, row.classes)


def predictor(target: pathlib.Path, classes: int, *, side: int = SIDE, finished: bool = True) -> Any:
    """Their predictor runs a network of torch: here the exported file, of whose finished rows it gets the boxes in the
    image's pixels."""
    import numpy as np
    import torch
    from dfine.nn.postprocessor import DFINEPostProcessor
    from dfine.predictor import DFINEPredictor

    file = session(target)

    class Network(torch.nn.Module):
        _deployed = True

        def forward(self, tensor: Any) -> list[Any]:
            return [torch.from_numpy(part) for part in file.run(None, {"images": tensor.numpy()})]

    configuration = {"task": "segment", "num_classes": classes, "DFINETransformer": {"num_queries": 300}}
    own = DFINEPredictor(Network(), configuration, "cpu", {c: str(c) for c in range(classes)})
    post = DFINEPostProcessor(num_classes=classes).eval()

    def decode(parts: Any, size: Any) -> Any:
        if not finished:
            return post(dict(zip(("pred_logits", "pred_boxes", "pred_masks"), parts)), size)
        labels, boxes, scores, masks = (part[0] for part in parts)
        return [{"labels": labels, "boxes": boxes * (size / side).repeat(1, 2), "scores": scores, "masks": masks}]

    own._postprocessor = decode

    def predict(picture: str) -> list[Any]:
        found = own.run(picture, LEAST, 0.5, side, None, False, 1, False, False, "", "", None, True, False)[0]
        return [np.asarray(part) for part in (found.boxes.xyxy, found.boxes.conf, found.boxes.cls, found.masks.data)]

    return predict
