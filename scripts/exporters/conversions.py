"""What people's tools make of an exported file: other precisions, quantization, TensorFlow's order of dimensions, weights in a
file of their own.

The file is Ultralytics' `yolov8n-seg`; its own predictor answers for the converted file, or for the original where only the order
of dimensions or the place of the weights differs.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

from . import ultralytics
from .common import SIDE, Answer, Row

VERSIONS = {"8.4.190": ["ultralytics==8.4.190"]}
# The predictor reads a file's input with numbers of 32 bits in the order of torch: it answers for the file before these.
PLAIN = ("external-data", "external-data-beyond-2-GiB", "channels-last-input", "channels-last", "uint8-input")
CONVERTED = ("float16", "float16-io", "int8-dynamic", "int8-static-qdq", "int8-static-qoperator")
ROWS = [Row("yolov8n-seg", {"conversion": name}, 3) for name in (*CONVERTED, *PLAIN)]
ENVIRONMENT = ultralytics.ENVIRONMENT

Conversion = Callable[[Any, pathlib.Path, list[pathlib.Path]], None]


def make(row: Row, folder: pathlib.Path, pictures: list[pathlib.Path]) -> list[Answer]:
    import onnx

    name = row.arguments["conversion"]

    def convert(path: pathlib.Path) -> None:
        model = onnx.load(path)
        path.unlink()
        CONVERSIONS[name](model, path, pictures)

    before, after = (None, convert) if name in PLAIN else (convert, None)
    return ultralytics.answers(Row(row.network, {}, row.classes), folder, pictures, before=before, after=after)


def half(*, keeps: bool) -> Conversion:
    """Numbers of 16 bits inside; inputs and outputs too, unless they are kept."""

    def convert(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
        import onnx
        from onnxconverter_common import float16

        model = float16.convert_float_to_float16(model, keep_io_types=keeps)
        # What the converter notes of the types between its casts is wrong.
        del model.graph.value_info[:]
        onnx.save(model, path)

    return convert


def int8_dynamic(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(model, path, weight_type=QuantType.QUInt8)


def quantized(format: str) -> Conversion:
    """Static quantization by onnxruntime, with the pictures."""

    def convert(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
        import cv2
        import numpy as np
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

        images = [cv2.resize(cv2.imread(str(p)), (SIDE, SIDE))[None, :, :, ::-1].transpose(0, 3, 1, 2) for p in pictures]

        class Reader(CalibrationDataReader):
            rows = iter([{"images": np.ascontiguousarray(image, np.float32) / 255} for image in images])

            def get_next(self) -> Any:
                return next(self.rows, None)

        # With the last concatenation in one scale of 8 bits scores are lost beside boxes.
        quantize_static(model, path, Reader(), quant_format=getattr(QuantFormat, format), op_types_to_quantize=["Conv"])

    return convert


def external_data(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
    import onnx

    onnx.save(model, path, save_as_external_data=True, location="model.onnx.data", size_threshold=1024)


def external_data_far(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
    """Weights that begin behind 2.5 GiB of a file; the part before them takes no space."""
    from onnx import TensorProto, numpy_helper

    at = 5 << 29
    with open(path.with_name("model.onnx.data"), "wb") as data:
        for tensor in model.graph.initializer:
            raw = numpy_helper.to_array(tensor).tobytes()
            if tensor.data_type != TensorProto.FLOAT or len(raw) < 1024:
                continue
            data.seek(at)
            data.write(raw)
            for field in ("raw_data", "float_data"):
                tensor.ClearField(field)
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", "model.onnx.data"), ("offset", at), ("length", len(raw))):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(value)
            at = (at + len(raw) + 4095) // 4096 * 4096
    path.write_bytes(model.SerializeToString())


def channels_last_input(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
    import onnx

    onnx.save(transposed(model, input_only=True), path)


def channels_last(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
    import onnx

    onnx.save(transposed(model, input_only=False), path)


def transposed(model: Any, *, input_only: bool) -> Any:
    """Inputs, and outputs if wanted, with the channel last, as networks that come from TensorFlow have them."""
    from onnx import helper

    graph = model.graph

    def move(value: Any, order: list[int], *, is_input: bool) -> None:
        inner = value.name + "_inner"
        for node in graph.node:
            for names in (node.input, node.output):
                for k, name in enumerate(names):
                    if name == value.name:
                        names[k] = inner
        dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
        if is_input:
            node = helper.make_node("Transpose", [value.name], [inner], perm=[0, 3, 1, 2])
            graph.node.insert(0, node)
        else:
            node = helper.make_node("Transpose", [inner], [value.name], perm=order)
            graph.node.append(node)
        shape = [dims[k] for k in order]
        value.CopyFrom(helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, shape))

    move(graph.input[0], [0, 2, 3, 1], is_input=True)
    if not input_only:
        for output in graph.output:
            move(output, [0, 2, 1] if len(output.type.tensor_type.shape.dim) == 3 else [0, 2, 3, 1], is_input=False)
    del graph.value_info[:]
    return model


def uint8_input(model: Any, path: pathlib.Path, pictures: list[pathlib.Path]) -> None:
    """Bytes go in, and the graph divides by 255 itself."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for node in graph.node:
        for k, name in enumerate(node.input):
            if name == "images":
                node.input[k] = "images_inner"
    graph.initializer.append(numpy_helper.from_array(np.float32(255), "images_scale"))
    graph.node.insert(0, helper.make_node("Div", ["images_float", "images_scale"], ["images_inner"]))
    graph.node.insert(0, helper.make_node("Cast", ["images"], ["images_float"], to=TensorProto.FLOAT))
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    onnx.save(model, path)


CONVERSIONS: dict[str, Conversion] = {
    "float16": half(keeps=True),
    "float16-io": half(keeps=False),
    "int8-dynamic": int8_dynamic,
    "int8-static-qdq": quantized("QDQ"),
    "int8-static-qoperator": quantized("QOperator"),
    "external-data": external_data,
    "external-data-beyond-2-GiB": external_data_far,
    "channels-last-input": channels_last_input,
    "channels-last": channels_last,
    "uint8-input": uint8_input,
}
