"""What people's tools make of an exported file: other precisions, quantization, TensorFlow's order of dimensions, weights in a file of their own.

The file is Ultralytics' `yolov8n-seg` with a free size; its own predictor answers for the converted file, or for the original where only the
order of dimensions or the place of the weights differs.
"""

from .common import SIDE, Row
from . import ultralytics

VERSIONS = {"8.4.190": ["ultralytics==8.4.190"]}
ROWS = [Row("yolov8n-seg", {"conversion": name}, 3, score=score) for name, score in (
    ("float16", 1e-3), ("float16-io", 1e-3), ("int8-dynamic", 1e-3), ("int8-static-qdq", 1e-3), ("int8-static-qoperator", 1e-3), ("external-data", 1e-3), ("external-data-beyond-2-GiB", 1e-3),
    ("channels-last-input", 1e-3), ("channels-last", 1e-3), ("uint8-input", 1e-3))]
ENVIRONMENT = ultralytics.ENVIRONMENT


def make(row, folder, pictures):
    import onnx
    name = row.arguments["conversion"]
    # The predictor reads a file's input with numbers of 32 bits in the order of torch.
    plain = name in ("external-data", "external-data-beyond-2-GiB", "channels-last-input", "channels-last", "uint8-input")
    target = folder / "models/export/1/model.onnx"
    def convert(path):
        model = onnx.load(path)
        path.unlink()
        CONVERSIONS[name](model, path, pictures)
    return ultralytics.answers(Row(row.network, {}, row.classes), folder, pictures, before=None if plain else convert, after=convert if plain else None)


def half(keeps):
    """Numbers of 16 bits inside; inputs and outputs too, unless they are kept."""
    def convert(model, path, pictures):
        import onnx
        from onnxconverter_common import float16
        model = float16.convert_float_to_float16(model, keep_io_types=keeps)
        # What the converter notes of the types between its casts is wrong.
        del model.graph.value_info[:]
        onnx.save(model, path)
    return convert


def int8_dynamic(model, path, pictures):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(model, path, weight_type=QuantType.QUInt8)


def static(format):
    def convert(model, path, pictures):
        import cv2
        import numpy as np
        from onnxruntime.quantization import CalibrationDataReader, quantize_static
        class Reader(CalibrationDataReader):
            rows = [np.ascontiguousarray(cv2.resize(cv2.imread(str(p)), (SIDE, SIDE))[None, :, :, ::-1].transpose(0, 3, 1, 2), np.float32) / 255 for p in pictures]
            def get_next(self):
                return {"images": self.rows.pop()} if self.rows else None
        # With the last concatenation in one scale of 8 bits scores are lost beside boxes.
        quantize_static(model, path, Reader(), quant_format=format, op_types_to_quantize=["Conv"])
    return convert


def external_data(model, path, pictures):
    import onnx
    onnx.save(model, path, save_as_external_data=True, location="model.onnx.data", size_threshold=1024)


def external_data_far(model, path, pictures):
    """Weights that begin behind 2.5 GiB of a file; the part before them takes no space."""
    import onnx
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


def channels_last_input(model, path, pictures):
    import onnx
    onnx.save(transposed(model, input_only=True), path)


def channels_last(model, path, pictures):
    import onnx
    onnx.save(transposed(model, input_only=False), path)


def transposed(model, input_only):
    """Inputs, and outputs if wanted, with the channel last, as networks that come from TensorFlow have them."""
    from onnx import helper
    graph = model.graph
    def move(value, order, is_input):
        inner = value.name + "_inner"
        for node in graph.node:
            for names in (node.input, node.output):
                for k, name in enumerate(names):
                    if name == value.name:
                        names[k] = inner
        dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
        if is_input:
            node, shape = helper.make_node("Transpose", [value.name], [inner], perm=[0, 3, 1, 2]), [dims[k] for k in (0, 2, 3, 1)]
            graph.node.insert(0, node)
        else:
            node, shape = helper.make_node("Transpose", [inner], [value.name], perm=order), [dims[k] for k in order]
            graph.node.append(node)
        value.CopyFrom(helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, shape))
    move(graph.input[0], None, True)
    if not input_only:
        for output in graph.output:
            move(output, [0, 2, 1] if len(output.type.tensor_type.shape.dim) == 3 else [0, 2, 3, 1], False)
    del graph.value_info[:]
    return model


def uint8_input(model, path, pictures):
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


def quantized(format):
    def convert(model, path, pictures):
        from onnxruntime.quantization import QuantFormat
        static(getattr(QuantFormat, format))(model, path, pictures)
    return convert


CONVERSIONS = {"float16": half(True), "float16-io": half(False), "int8-dynamic": int8_dynamic, "int8-static-qdq": quantized("QDQ"),
               "int8-static-qoperator": quantized("QOperator"), "external-data": external_data, "external-data-beyond-2-GiB": external_data_far, "channels-last-input": channels_last_input,
               "channels-last": channels_last, "uint8-input": uint8_input}
