"""RF-DETR-Seg by `rfdetr`, with the preparation of its `predict` and its `PostProcess` on the exported file."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from .common import LEAST, ODD, Answer, Row, answer, clipped, model_file, names, session

# The two oldest were written for transformers 4.
_4 = ["transformers==4.57.6", "huggingface-hub==0.36.2", "tokenizers==0.22.2"]
VERSIONS = {
    "1.11.2": ["rfdetr==1.11.2"],
    "1.6.5": ["rfdetr==1.6.5", "pyDeprecate==0.5.0"],
    "1.4.2": ["rfdetr==1.4.2", *_4],
    "1.3.0": ["rfdetr==1.3.0", *_4],
}
NEW, MIDDLE, OLD = ("1.11.2",), ("1.11.2", "1.6.5", "1.4.2"), ("1.3.0",)
ROWS = [
    Row("RFDETRSegNano", {}, 3, MIDDLE, side=312),
    Row("RFDETRSegNano", {}, 1, MIDDLE, side=312),
    Row("RFDETRSegNano", {}, 90, MIDDLE, side=312),
    Row("RFDETRSegNano", {"dynamic_batch": True}, 3, MIDDLE[:2], side=312),
    Row("RFDETRSegNano", {"opset_version": 19}, 3, MIDDLE, side=312),
    Row("RFDETRSegNano", {"shape": (288, 384)}, 3, NEW, side=312),
    Row("RFDETRSegNano", {"batch_size": 2}, 3, MIDDLE[:2], side=312),
    Row("RFDETRSegNano", {"notes": "a note"}, 3, NEW, side=312),
    Row("RFDETRSegNano", {"training": True}, 3, MIDDLE[1:], side=312),
    Row("RFDETRSegNano", {"simplify": True}, 3, ("1.6.5", "1.4.2"), side=312),
    # `predict` of versions before 1.9 averages floats where it shrinks a picture; `"antialias": true` is Pillow's filter, which
    # averages bytes, so that answers of these networks, which random weights make nervous, differ.
    Row("RFDETRSegNano", {"antialias": False}, 3, NEW, sizes=ODD),
    Row("RFDETRSegNano", {"antialias": True}, 3, MIDDLE[1:], sizes=ODD),
    Row("RFDETRSegSmall", {}, 3, NEW, side=384),
    Row("RFDETRSegPreview", {}, 3, (*NEW, *OLD), side=432),
    Row("RFDETRSegPreview", {}, 90, OLD, side=432),
    Row("RFDETRSegNano", {"dynamo": True}, 3, NEW, side=312),
    Row("RFDETRSegPreview", {"dynamo": True}, 3, OLD, side=432),
]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import rfdetr
    import torch

    arguments = dict(row.arguments)
    # What these exporters were written for; torch's choice is another today.
    export, dynamo, training = torch.onnx.export, arguments.pop("dynamo", False), arguments.pop("training", False)
    torch.onnx.export = lambda *values, **named: export(*values, **{**named, "dynamo": dynamo})
    model = getattr(rfdetr, row.network)(pretrain_weights=None, num_classes=row.classes, device="cpu")
    network = model.model.model
    vary(network, model.model.resolution)
    if training:
        # A network that was not put into the mode of evaluation answers every group of queries.
        network.train()
        network.eval = lambda: network
    antialias = arguments.pop("antialias", False)
    made = model.export(output_dir=str(folder / "out"), verbose=False, **arguments)
    files = sorted((folder / "out").glob("*.onnx"), key=lambda f: (".sim." in f.name, f.stat().st_mtime))
    target = model_file(folder)
    os.replace(made or files[-1], target)
    for data in (folder / "out").glob("*.data"):
        os.replace(data, target.parent / data.name)
    # One name a slot, and one slot more for no object; the published weights (90) name them by COCO's numbers.
    (target.parent / "class_names.txt").write_text("\n".join(names(row.classes)) + "\n")
    if antialias:
        (target.parent / "model.json").write_text(json.dumps({"antialias": True}))
    return own(session(target), pictures, postprocess(model), row.classes, antialias=antialias)


def postprocess(model: Any) -> Any:
    return model.model.postprocess if hasattr(model.model, "postprocess") else model.model.postprocessors["bbox"]


def vary(network: Any, side: int) -> None:
    """Classes and boxes that differ between queries."""
    import torch

    network.eval()
    for parameter in network.transformer.decoder.parameters():
        if parameter.ndim == 2:
            parameter.data *= 2
    for linear in [network.class_embed, *getattr(network.transformer, "enc_out_class_embed", [])]:
        torch.nn.init.normal_(linear.weight, std=1.0)
    torch.manual_seed(1)
    with torch.no_grad():
        logits = network(torch.randn(1, 3, side, side))["pred_logits"]
    scale = 1.6 / float(logits.std())
    network.class_embed.weight.data *= scale
    many = float(torch.quantile((logits * scale).flatten()[:100000], 0.85))
    network.class_embed.bias.data[:] = network.class_embed.bias.data * scale - many - 0.5


def own(network: Any, pictures: list[pathlib.Path], post: Any, classes: int, *, antialias: bool) -> list[Answer]:
    import torch
    import torchvision.transforms.functional as F
    from PIL import Image

    taken = network.get_inputs()[0]
    answers = []
    for k, path in enumerate(pictures):
        picture = F.to_tensor(Image.open(path).convert("RGB"))
        small = F.resize(picture, taken.shape[2:], antialias=antialias)
        x = F.normalize(small, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])[None]
        if isinstance(taken.shape[0], int):
            x = x.repeat(taken.shape[0], 1, 1, 1)
        dets, labels, masks = [torch.from_numpy(o[:1]) for o in network.run(None, {taken.name: x.numpy()})][:3]
        size = torch.tensor([picture.shape[1:]])
        # As many pairs of query and class as there are queries, which every network's settings say; 1.6 takes 300 instead, and
        # fails where there are fewer.
        post.num_select = dets.shape[1]
        found = post({"pred_logits": labels, "pred_boxes": dets, "pred_masks": masks}, size)[0]
        parts = [found[key].tolist() for key in ("boxes", "scores", "labels")]
        for box, score, slot, logits in zip(*parts, found["masks"]):
            mask = logits.squeeze(0).numpy() > 0
            # The last slot is that of no object.
            if score >= LEAST and slot < classes and mask.any():
                answers.append(answer(k, clipped(box, picture.shape[2], picture.shape[1]), score, slot, mask))
    return answers
