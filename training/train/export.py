"""Writes a trained network as ONNX in YOLOv8-seg's layout, with free batch, height and width.

    python export.py OUT/last.pt model.onnx [--classes coin] [--size 512] [--temperature 1,...] [--bias 0,...]

`--classes` keeps some of the classes that were trained; the others are left out of the file. Temperature and bias calibrate
the confidences, one for all classes or one each: `sigmoid(temperature * logit + bias)`.
"""

from __future__ import annotations

import argparse

import onnx
import torch

from data import CLASSES
from model import COEFFICIENTS, Exported, Network


def numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("file")
    parser.add_argument("--classes", default=",".join(CLASSES))
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--temperature", type=numbers, default=[1.0])
    parser.add_argument("--bias", type=numbers, default=[0.0])
    arguments = parser.parse_args()

    network = Network(len(CLASSES))
    network.load_state_dict(torch.load(arguments.checkpoint, map_location="cpu")["average"])
    names = arguments.classes.split(",")
    kept = [CLASSES.index(name) for name in names]
    last = network.class_head[-1]
    last.weight.data, last.bias.data = last.weight.data[kept].clone(), last.bias.data[kept].clone()
    last.out_channels = len(kept)
    model = Exported(network.eval(), arguments.temperature, arguments.bias).eval()
    torch.onnx.export(
        model, (torch.zeros(1, 3, arguments.size, arguments.size),), arguments.file, opset_version=17, dynamo=False,
        input_names=["images"], output_names=["output0", "output1"],
        dynamic_axes={"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 2: "anchors"},
                      "output1": {0: "batch", 2: "mask_height", 3: "mask_width"}})
    file = onnx.load(arguments.file)
    rows = file.graph.output[0].type.tensor_type.shape.dim[1]  # the exporter loses sight of it
    rows.Clear()
    rows.dim_value = 4 + len(names) + COEFFICIENTS
    metadata = {
        "description": "Silhouette's default model: " + ", ".join(names) + " on a table", "author": "the Silhouette authors",
        "license": "Apache-2.0", "task": "segment", "stride": "32", "imgsz": f"[{arguments.size}, {arguments.size}]",
        "names": repr(dict(enumerate(names))), "batch": "1", "channels": "3", "end2end": "False",
    }
    for key, value in metadata.items():
        entry = file.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(file)
    onnx.save(file, arguments.file)


if __name__ == "__main__":
    main()
