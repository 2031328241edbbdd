"""Makes the tiny models that tests run: Tests/TestSupport/Fixtures/*.onnx. Each function makes the file it is named after.

    pip install onnx==1.23.2 && python3 scripts/make_fixtures.py
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "Tests" / "TestSupport" / "Fixtures"


def constant(name: str, value: Any, dtype: type[np.generic] = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, dtype), name)


def save(name: str, nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto],
         constants: Sequence[onnx.TensorProto] = (), metadata: dict[str, str] | None = None) -> None:
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="silhouette")
    for key, value in (metadata or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")


def bright() -> None:
    """Finds bright things: YOLOv8-seg's layout, one anchor for each 32 x 32 pixels, one prototype.

    The score of class `bright` is the mean brightness of the anchor's cell, that of `dim` half of it; the box is 96 x 96 about
    the cell; the prototype is 10 * (brightness - 0.5) of each 4 x 4 pixels.
    """
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["quarter"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Sub", ["quarter", "half"], ["centred"]),
        helper.make_node("Mul", ["centred", "ten"], ["output1"]),
        helper.make_node("AveragePool", ["grey"], ["score"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("Mul", ["score", "half"], ["dim"]),
        helper.make_node("Mul", ["score", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "one"], ["ones"]),
        helper.make_node("CumSum", ["ones", "axis3"], ["columns"]),
        helper.make_node("CumSum", ["ones", "axis2"], ["rows"]),
        helper.make_node("Sub", ["columns", "half"], ["columns0"]),
        helper.make_node("Sub", ["rows", "half"], ["rows0"]),
        helper.make_node("Mul", ["columns0", "stride"], ["x"]),
        helper.make_node("Mul", ["rows0", "stride"], ["y"]),
        helper.make_node("Mul", ["ones", "side"], ["size"]),
        helper.make_node("Concat", ["x", "y", "size", "size", "score", "dim", "ones"], ["map"], axis=1),
        helper.make_node("Reshape", ["map", "shape"], ["output0"]),
    ]
    constants = [constant("half", 0.5), constant("ten", 10), constant("zero", 0), constant("one", 1), constant("stride", 32),
                 constant("side", 96), constant("axis2", 2, np.int64), constant("axis3", 3, np.int64),
                 constant("shape", [0, 7, -1], np.int64)]
    save("bright", nodes,
         [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
         [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 7, "anchors"]),
          helper.make_tensor_value_info("output1", TensorProto.FLOAT, ["batch", 1, "mask_height", "mask_width"])],
         constants, {"task": "segment", "names": "{0: 'bright', 1: \"d'im\"}", "imgsz": "[192, 256]", "stride": "32"})


def detect() -> None:
    """A model for another task: it must be refused in words."""
    save("detect", [helper.make_node("Identity", ["images"], ["output0"])],
         [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
         [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 3, 64, 64])], metadata={"task": "detect"})


def types() -> None:
    """The same four numbers in every element type."""
    kinds = {"float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE, "int8": TensorProto.INT8, "uint8": TensorProto.UINT8,
             "int32": TensorProto.INT32, "int64": TensorProto.INT64, "bool": TensorProto.BOOL, "bfloat16": TensorProto.BFLOAT16}
    save("types", [helper.make_node("Cast", ["x"], [name], to=kind) for name, kind in kinds.items()],
         [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
         [helper.make_tensor_value_info(name, kind, ["n"]) for name, kind in kinds.items()])


def quantized() -> None:
    """Gives back what it is given, through 8-bit numbers of a 255th."""
    save("quantized",
         [helper.make_node("QuantizeLinear", ["images", "scale", "zero"], ["bytes"]),
          helper.make_node("DequantizeLinear", ["bytes", "scale", "zero"], ["output0"])],
         [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
         [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
         [constant("scale", 1 / 255), constant("zero", 0, np.uint8)])


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in (bright, detect, types, quantized):
        make()
