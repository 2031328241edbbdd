"""D-FINE-seg by the package `dfine-seg`, with its own predictor on the exported file."""

from __future__ import annotations

import importlib
import pathlib
import sys
import types
from typing import Any

from .common import ODD, SIDE, Answer, Row, answers_of, model_file, own_names
from .weights import spread

VERSIONS = {v: [f"dfine-seg=={v}"] for v in ("0.6.2", "0.4.2", "0.3.0")}
LEAST = 0.1
NEW = ("0.6.2",)
ROWS = [
    Row("n", {}, 3, sizes=ODD, least=LEAST),
    Row("n", {"dynamic_input": True}, 80, NEW, sizes=ODD, least=LEAST),
    Row("s", {"max_batch_size": 2}, 1, NEW, sizes=ODD, least=LEAST),
    Row("n", {"half": True}, 3, NEW, sizes=ODD, least=LEAST),
]


class Stub(types.ModuleType):
    """Stands for a package that is imported and not used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


UNUSED = (
    "wandb",
    "faster_coco_eval",
    "faster_coco_eval.core",
    "albumentations",
    "albumentations.core",
    "albumentations.core.transforms_interface",
    "albumentations.pytorch",
)


def stub(*names: str) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = Stub(name)


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import torch

    stub(*UNUSED)
    from dfine_seg.dl import export
    from dfine_seg.model.dfine import build_model

    dynamic = row.arguments.get("dynamic_input", False)
    model = build_model(row.network, row.classes, True, "cpu", img_size=None if dynamic else (SIDE, SIDE)).eval()
    spread(model, ("score_head", "dec_bbox_head"))
    takes_size = "input_size" in export.ExportWrapper.__init__.__code__.co_varnames
    post = export.DFINEPostProcessor(row.classes)
    wrapped = export.ExportWrapper(model, post, *([(SIDE, SIDE)] if takes_size else [])).eval()
    batch, half = row.arguments.get("max_batch_size", 1), row.arguments.get("half", False)
    outputs = ["labels", "boxes", "scores", "masks"]
    example = torch.randn(batch, 3, SIDE, SIDE)
    export.export_to_onnx(wrapped, model_file(folder), example, batch, half, dynamic, "input", outputs)
    own_names(folder, row.classes)
    return answers_of(predictor(model_file(folder), row.classes), pictures, row.classes)


def predictor(target: pathlib.Path, classes: int) -> Any:
    import cv2
    from dfine_seg.infer import onnx_model
    from torchvision.ops import nms

    # Boxes of 16 bits beside scores of 32, as its own files in 16 bits have them, are refused there.
    onnx_model.nms = lambda boxes, scores, overlap: nms(boxes.float(), scores.float(), overlap)

    kind = getattr(onnx_model, "ONNXModel", None) or onnx_model.ONNX_model
    counts = {"n_outputs": classes} if "n_outputs" in kind.__init__.__code__.co_varnames else {}
    own = kind(str(target), conf_thresh=LEAST, **counts)

    def predict(picture: str) -> list[Any]:
        found = own(cv2.imread(picture))[0]
        return [found[key].numpy() for key in ("boxes", "scores", "labels", "masks")]

    return predict
