"""Mask2Former, MaskFormer and EoMT of transformers, by torch's exporters, with transformers' own processors on the exported file.

The processor's and the network's settings are saved next to the model, as a checkpoint has them.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

from .common import LEAST, Answer, Row, answer, model_file, names, session

VERSIONS: dict[str, list[str]] = {
    "5.24.0": [],
    "4.57.6": ["transformers==4.57.6", "huggingface-hub==0.36.2", "tokenizers==0.22.2"],
    "4.46.3": ["transformers==4.46.3", "huggingface-hub==0.36.2", "tokenizers==0.20.3"],
}
EOMT = ("5.24.0", "4.57.6")
ROWS = [
    Row("mask2former"),
    Row("mask2former", {"opset": 20}, 1),
    Row("mask2former", {"dynamo": True}, 80),
    Row("mask2former", {"size": [96, 128]}),
    Row("mask2former", {"dynamic": True}),
    Row("maskformer"),
    Row("maskformer", {"opset": 20}, 1),
    Row("maskformer", {"dynamo": True}),
    Row("eomt", {}, 3, EOMT),
    Row("eomt", {"dynamo": True}, 80, EOMT),
    Row("eomt", {"opset": 20}, 1, EOMT),
]
SIDE = 96
OUTPUTS = ["class_queries_logits", "masks_queries_logits"]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import torch
    import transformers

    arguments = row.arguments
    height, width = arguments.get("size", [SIDE, SIDE])
    network, processor = FAMILIES[row.network](transformers, row.classes, height, width)
    network.eval()

    class Queries(torch.nn.Module):
        def forward(self, pixel_values: Any) -> Any:
            found = network(pixel_values=pixel_values)
            return found.class_queries_logits, found.masks_queries_logits

    wrapper = Queries()
    wrapper.network = network
    x = torch.randn(1, 3, height, width)
    with torch.no_grad():
        network.class_predictor.weight.data *= 2.5 / float(wrapper(x)[0].std())
        network.class_predictor.bias.data *= 0
        network.class_predictor.bias.data[-1] = -1
    target = model_file(folder)
    axes = {name: {0: "batch_size"} for name in ["pixel_values", *OUTPUTS]}
    if arguments.get("dynamic"):
        axes["pixel_values"] |= {2: "height", 3: "width"}
    dynamo = arguments.get("dynamo", False)
    torch.onnx.export(
        wrapper,
        (x,),
        str(target),
        input_names=["pixel_values"],
        output_names=OUTPUTS,
        opset_version=arguments.get("opset", 18 if dynamo else 17),
        dynamo=dynamo,
        dynamic_axes=None if dynamo else axes,
    )
    network.config.id2label = dict(enumerate(names(row.classes)))
    network.config.save_pretrained(target.parent)
    processor.save_pretrained(target.parent)
    (target.parent / "model.json").write_text(json.dumps({"followsReference": True}))
    file = session(target)
    return [answer(k, *one) for k, path in enumerate(pictures) for one in own(file, row.network, processor, path)]


def swin(transformers: Any) -> Any:
    stages = {"depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1], "out_features": ["stage1", "stage2", "stage3", "stage4"]}
    return transformers.SwinConfig(image_size=SIDE, patch_size=4, embed_dim=8, window_size=4, **stages)


def mask2former(transformers: Any, classes: int, height: int, width: int) -> tuple[Any, Any]:
    config = transformers.Mask2FormerConfig(
        backbone_config=swin(transformers),
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=16,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=16,
        num_queries=20,
        num_labels=classes,
    )
    size = {"height": height, "width": width}
    return (
        transformers.Mask2FormerForUniversalSegmentation(config),
        transformers.Mask2FormerImageProcessor(size=size, size_divisor=32, num_labels=classes),
    )


def maskformer(transformers: Any, classes: int, height: int, width: int) -> tuple[Any, Any]:
    decoder = transformers.DetrConfig(
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=20,
    )
    config = transformers.MaskFormerConfig(
        backbone_config=swin(transformers),
        decoder_config=decoder,
        fpn_feature_size=32,
        mask_feature_size=32,
        num_labels=classes,
    )
    size = {"height": height, "width": width}
    return (
        transformers.MaskFormerForInstanceSegmentation(config),
        transformers.MaskFormerImageProcessor(size=size, size_divisor=32, num_labels=classes),
    )


def eomt(transformers: Any, classes: int, height: int, width: int) -> tuple[Any, Any]:
    config = transformers.EomtConfig(
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=16,
        num_queries=20,
        num_blocks=1,
        num_labels=classes,
        num_upscale_blocks=2,
    )
    processor = transformers.EomtImageProcessor(size={"shortest_edge": height, "longest_edge": width}, do_pad=True)
    return transformers.EomtForUniversalSegmentation(config), processor


FAMILIES = {"mask2former": mask2former, "maskformer": maskformer, "eomt": eomt}


class Outputs:
    def __init__(self, classes: Any, masks: Any) -> None:
        self.class_queries_logits, self.masks_queries_logits = classes, masks


def own(network: Any, family: str, processor: Any, path: pathlib.Path) -> Iterator[tuple[list[float], float, int, Any]]:
    """Boxes are those of the masks. EoMT's own code paints later queries over earlier ones: it is asked for each query alone."""
    import numpy as np
    import torch
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    settings = {"target_sizes": [picture.size[::-1]], "threshold": LEAST}
    x = processor(images=picture, return_tensors="pt")["pixel_values"].numpy()
    classes, masks = [torch.from_numpy(o) for o in network.run(None, {network.get_inputs()[0].name: x})]
    found: list[tuple[float, int, Any]] = []
    if family == "eomt":
        for q in range(classes.shape[1]):
            alone = Outputs(classes[:, q : q + 1], masks[:, q : q + 1])
            result = processor.post_process_instance_segmentation(alone, **settings)[0]
            segments, of_segments = result["segmentation"], result["segments_info"]
            found += [(one["score"], one["label_id"], (segments == one["id"]).numpy()) for one in of_segments]
    else:
        result = processor.post_process_instance_segmentation(Outputs(classes, masks), return_binary_maps=True, **settings)[0]
        if result["segmentation"] is not None:
            of_masks = zip(result["segments_info"], result["segmentation"])
            found = [(one["score"], one["label_id"], mask.numpy() > 0) for one, mask in of_masks]
    for score, kind, mask in found:
        ys, xs = np.nonzero(mask)
        if len(xs):
            yield [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], score, kind, mask
