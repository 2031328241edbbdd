"""Makes an 8-bit copy of an ONNX model. Run by `silhouette models quantize`; needs onnx and onnxruntime.

    python3 quantize.py MODEL CALIBRATION OUTPUT

CALIBRATION is a folder with inputs.json, a list of {"file", "input", "shape"}, and the files: 32-bit floats.

Activations become unsigned and weights signed bytes, a scale a channel, in QDQ form. Two parts stay as they are: the first convolution,
which sees the picture, and everything from the last convolutions on, whose numbers are distances and probabilities. Both cost little time
and much accuracy.
"""

import json
import os
import sys
import tempfile

import numpy as np
import onnx
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is imported

from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


class Inputs(CalibrationDataReader):
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "inputs.json")) as file:
            self.waiting = json.load(file)

    def get_next(self):
        if not self.waiting:
            return None
        each = self.waiting.pop(0)
        return {each["input"]: np.fromfile(os.path.join(self.folder, each["file"]), np.float32).reshape(each["shape"])}


def kept(graph):
    """The names of the nodes that are not quantized."""
    constants = {tensor.name for tensor in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    names, seen, open_ = set(), set(), [output.name for output in graph.output]
    while open_:
        name = open_.pop()
        if name in seen or name not in maker:
            continue
        seen.add(name)
        node = maker[name]
        names.add(node.name)
        # A convolution of fixed weights ends the walk, unless it is one over a softmax: that computes a mean.
        before = maker.get(node.input[0]) if node.input else None
        if node.op_type in WEIGHTED and any(i in constants for i in node.input) and not (before and before.op_type == "Softmax"):
            continue
        open_ += node.input
    names.update([node.name for node in graph.node if node.op_type == "Conv"][:1])
    return sorted(names)


def main():
    source, calibration, output = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        prepared = os.path.join(folder, "prepared.onnx")
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        quantize_static(
            prepared, output, Inputs(calibration), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax, nodes_to_exclude=kept(graph))
    model, original = onnx.load(output), onnx.load(source)
    del model.metadata_props[:]
    model.metadata_props.extend(original.metadata_props)
    onnx.save(model, output)


main()
