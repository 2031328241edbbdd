"""Makes Tests/TestSupport/Fixtures/family-*.onnx, tail.onnx and resample.json. Needs: pip install onnx numpy pillow
(maskformer, whose answers are those of transformers' own code, needs transformers and torch too).

Each model has the layout of a family, as docs/models.md describes it, with outputs that are constants or plain functions of the
input, so that what a decoder must find can be worked out by hand. See Tests/ONNXRuntimeBackendTests/FamilyTests.swift.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Tests/TestSupport/Fixtures")
F, I, H, U = TensorProto.FLOAT, TensorProto.INT64, TensorProto.FLOAT16, TensorProto.UINT8  # noqa: E741


def save(name: str, input_type: int, input_shape: Sequence[int | str], outputs: Sequence[tuple[Any, ...]],
         nodes: Sequence[onnx.NodeProto] = (), metadata: Sequence[tuple[str, str]] = (), free: bool = False) -> None:
    """A model whose outputs are constants, unless a node makes them.

    With `free` their shapes are known only when the graph runs: a sum of the input, times zero, is added to them.
    """
    if free:
        nodes = [helper.make_node("ReduceMax", ["image"], ["peak"], keepdims=0),
                 helper.make_node("Constant", [], ["none"], value_float=0.0),
                 helper.make_node("Mul", ["peak", "none"], ["nil"]), helper.make_node("Cast", ["nil"], ["zero"], to=I)]
        for key, value, *_ in outputs:
            nodes += [helper.make_node("Constant", [], [f"{key}.value"], value=numpy_helper.from_array(value)),
                      helper.make_node("Constant", [], [f"{key}.shape"],
                                       value=numpy_helper.from_array(np.array(value.shape, np.int64))),
                      helper.make_node("Add", [f"{key}.shape", "zero"], [f"{key}.sides"]),
                      helper.make_node("Reshape", [f"{key}.value", f"{key}.sides"], [key])]
    made = {output for node in nodes for output in node.output}
    constants = [
        helper.make_node("Constant", [], [key], value=numpy_helper.from_array(value, key)) for key, value, *_ in outputs
        if key not in made]
    graph = helper.make_graph(
        [*nodes, *constants], name, [helper.make_tensor_value_info("image", input_type, input_shape)],
        [helper.make_tensor_value_info(key, I if value.dtype == np.int64 else F, shape[0] if shape else value.shape)
         for key, value, *shape in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in metadata:
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(FOLDER, f"family-{name}.onnx"))


def half(shape: tuple[int, ...], value: float = 1.0) -> np.ndarray:
    """A map whose left half is set."""
    result = np.zeros(shape, np.float32)
    result[..., : shape[-1] // 2] = value
    return result


def rtmdet_ins() -> None:
    dets = np.array([[[8, 4, 24, 20, 0.9], [0, 0, 64, 32, 0.6], [0, 0, 0, 0, 0]]], np.float32)
    masks = np.stack([half((64, 64)), np.full((64, 64), 0.7, np.float32), np.zeros((64, 64), np.float32)])[None]
    save("rtmdet-ins", F, [1, 3, 64, 64], [("dets", dets), ("labels", np.array([[1, 0, 0]], np.int64)), ("masks", masks)])


def mmdeploy() -> None:
    dets = np.array([[[8, 4, 24, 20, 0.9], [0, 0, 0, 0, 0]]], np.float32)
    masks = np.stack([half((28, 28)), np.ones((28, 28), np.float32)])
    save("mmdeploy", F, [1, 3, 32, 32], [("dets", dets), ("labels", np.array([[2, 0]], np.int64)), ("masks", masks)])


def detectron2() -> None:
    boxes = np.array([[8, 4, 24, 20], [0, 0, 16, 16]], np.float32)
    masks = np.stack([half((1, 28, 28)), np.ones((1, 28, 28), np.float32)])
    save("detectron2", F, [3, "height", "width"], [
        ("1120", boxes, ["n", 4]), ("1121", np.array([3, 0], np.int64), ["n"]), ("1122", masks, ["n", 1, 28, 28]),
        ("1123", np.array([0.9, 0.3], np.float32), ["n"]), ("1124", np.array([32, 32], np.int64), [2])])


def yolact() -> None:
    priors = np.array([[0.5, 0.5, 0.5, 0.5], [0.25, 0.25, 0.5, 0.5], [0.5, 0.5, 0.25, 0.25]], np.float32)
    loc = np.array([[[0, 0, 0, 0], [1, 0, 0, np.log(2) / 0.2], [0, 0, 0, 0]]], np.float32)
    conf = np.array([[[0.1, 0.8, 0.1], [0.2, 0.1, 0.7], [0.9, 0.05, 0.05]]], np.float32)
    coefficients = np.zeros((1, 3, 4), np.float32)
    coefficients[0, :, 0] = 1
    proto = np.ones((1, 8, 8, 4), np.float32)
    proto[..., 4:, 0] = -1
    save("yolact", F, [1, 3, 32, 32], [("loc", loc), ("conf", conf), ("mask", coefficients), ("priors", priors), ("proto", proto)])


def rtmdet_heads() -> None:
    """Heads of three levels for an input of 64 x 64; two objects, one of which two cells and two classes propose."""
    levels = [(8, 8), (16, 4), (32, 2)]
    classes = [np.full((1, 2, n, n), -10, np.float32) for _, n in levels]
    boxes = [np.ones((1, 4, n, n), np.float32) for _, n in levels]
    kernels = [np.zeros((1, 169, n, n), np.float32) for _, n in levels]
    features = np.zeros((1, 8, 8, 8), np.float32)
    features[0, 0, :, :4], features[0, 0, :, 4:] = 1, -1

    def propose(level: int, y: int, x: int, scores: tuple[float, float], sides: tuple[float, float, float, float],
                channel: int, last: float, bias: float) -> None:
        """The first plane of both hidden layers is one channel of the input; the answer is `last` times that, and `bias`."""
        classes[level][0, :, y, x] = scores
        boxes[level][0, :, y, x] = sides
        kernels[level][0, [channel, 80, 144, 168], y, x] = [1, 1, last, bias]

    propose(0, 3, 2, (0.5, 2), (8, 16, 24, 8), 2, 1, -0.5)
    propose(0, 3, 3, (-10, 1), (16, 16, 16, 8), 2, 1, -0.5)
    propose(1, 1, 1, (1, -10), (16, 16, 48, 48), 0, 128, -4)
    names = [f"{kind}_{stride}" for kind in ("cls", "bbox", "kernel") for stride, _ in levels] + ["mask_feat"]
    save("rtmdet-heads", F, [1, 3, 64, 64], list(zip(names, [*classes, *boxes, *kernels, features])))


def yolov7() -> None:
    """Rows with objectness, as the branch u7 exports them: raw maps of rank 5 stand between rows and prototypes."""
    rows = np.zeros((1, 63, 9), np.float32)
    rows[0, 10] = [16, 16, 16, 16, 0.9, 0.1, 0.8, 1, 0]
    rows[0, 20] = [17, 16, 16, 16, 0.8, 0.1, 0.8, 1, 0]
    rows[0, 30] = [8, 8, 8, 8, 0.5, 0.5, 0.1, 1, 0]
    prototypes = np.zeros((1, 2, 8, 8), np.float32)
    prototypes[0, 0] = half((8, 8), 2) - 1
    raw = [(str(500 + n), np.ones((1, 3, n, n, 9), np.float32)) for n in (4, 2, 1)]
    save("yolov7", F, [1, 3, 32, 32], [("output", rows), *raw, ("516", prototypes)],
         metadata=[("stride", "32"), ("names", "['a', 'b']")])


def yolov9() -> None:
    """Two heads: the first boxes and the last prototypes count."""
    columns = np.zeros((1, 8, 21), np.float32)
    columns[0, :, 7] = [16, 16, 16, 16, 0.1, 0.8, 1, 0]
    prototypes = np.zeros((1, 2, 8, 8), np.float32)
    prototypes[0, 0] = half((8, 8), 2) - 1
    save("yolov9", F, [1, 3, 32, 32], [("output0", columns), ("output1", columns[:, ::-1].copy()), ("output2", -prototypes),
                                       ("output3", prototypes)],
         metadata=[("stride", "32"), ("names", "{0: 'a', 1: 'b'}")])


def fastsam() -> None:
    columns = np.zeros((1, 6, 84), np.float32)
    for k, (x1, y1, x2, y2, score) in enumerate([(1, 1, 62.5, 63, 0.9), (4, 4, 62, 62, 0.8), (1.5, 20, 40, 50, 0.7)]):
        columns[0, :, k] = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, score, 1]
    save("fastsam", F, [1, 3, 64, 64], [("output0", columns), ("output1", np.ones((1, 1, 16, 16), np.float32))], metadata=[
        ("description", "Ultralytics YOLOv8s-seg model"), ("task", "segment"), ("stride", "32"), ("names", "{0: 'object'}")])


FREE: list[int | str] = ["batch", 3, "height", "width"]
SEGMENT = [("task", "segment"), ("stride", "32"), ("imgsz", "[64, 64]")]


def columns_free() -> None:
    """Ultralytics' export with dynamic=True, simplify=False: the number of classes is told by a run alone."""
    columns = np.zeros((1, 11, 84), np.float32)
    columns[0, :, 5] = [32, 32, 40, 40, 0, 0.9, 0, 1, 1, 1, 1]
    save("columns-free", F, FREE, [("output0", columns, ["batch", "d", "anchors"]),
                                   ("output1", np.ones((1, 4, 16, 16), np.float32), ["batch", 4, "h", "w"])],
         metadata=[*SEGMENT, ("names", "{0: 'a', 1: 'b', 2: 'c'}")], free=True)


def rows_free() -> None:
    """YOLOv5's own export.py --dynamic."""
    rows = np.zeros((1, 252, 12), np.float32)
    rows[0, 7] = [32, 32, 40, 40, 0.9, 0, 1, 0, 1, 1, 1, 1]
    save("rows-free", F, FREE, [("output0", rows, ["batch", "anchors", "d"]),
                                ("output1", np.ones((1, 4, 16, 16), np.float32), ["batch", 4, "h", "w"])],
         metadata=[("stride", "32"), ("names", "['a', 'b', 'c']")], free=True)


def ready_unnamed() -> None:
    """Suppression in the graph, without metadata."""
    rows = np.zeros((1, 300, 10), np.float32)
    rows[0, 0], rows[0, 1] = [12, 12, 52, 52, 0.9, 1, 1, 1, 1, 1], [2, 2, 30, 30, 0.8, 2, 1, 1, 1, 1]
    save("ready-unnamed", F, [1, 3, 64, 64], [("output0", rows), ("output1", np.ones((1, 4, 16, 16), np.float32))])


def yolact_minimal() -> None:
    """Yolact_minimal's export2onnx.py: classes before boxes, no priors.

    There are three classes with the background, so that both have three or four columns.
    """
    cells = (8, 4, 2, 1, 1)
    count = sum(3 * n * n for n in cells)
    conf = np.zeros((1, count, 4), np.float32)
    conf[..., 0] = 1
    # The second box of a cell in the middle of the second level: twice as high as wide.
    middle = 3 * 64 + 3 * (2 * 4 + 2) + 1
    conf[0, middle] = [0.05, 0.05, 0.9, 0]
    save("yolact-minimal", F, [1, 3, 64, 64], [
        ("c", conf), ("b", np.zeros((1, count, 4), np.float32)), ("m", np.ones((1, count, 8), np.float32)),
        ("p", np.ones((1, 16, 16, 8), np.float32))])


def dfine() -> None:
    """D-FINE-seg, finished: corners in network pixels, probabilities, masks that end at their boxes."""
    boxes = np.array([[[8, 4, 24, 20], [0, 0, 32, 32]]], np.float32)
    masks = np.stack([np.full((8, 8), 0.9, np.float32), half((8, 8), 0.8)])[None]
    save("dfine", F, [1, 3, 32, 32], [
        ("labels", np.array([[1, 0]], np.int64)), ("boxes", boxes), ("scores", np.array([[0.9, 0.6]], np.float32)),
        ("masks", masks)])


def dfine_raw() -> None:
    """The same without post-processing in the graph, as nitid names it."""
    boxes = np.array([[[0.5, 0.375, 0.5, 0.5], [0.5, 0.5, 1, 1]]], np.float32)
    logits = np.array([[[-9, 2], [1, -9]]], np.float32)
    masks = np.stack([np.full((8, 8), 0.9, np.float32), half((8, 8), 0.8)])[None]
    save("dfine-raw", F, [1, 3, 32, 32], [("pred_logits", logits), ("pred_boxes", boxes), ("pred_masks", masks)])


def maskformer() -> None:
    """Random logits, and what MaskFormerImageProcessor makes of them for a picture of 96 x 64."""
    from types import SimpleNamespace

    import torch
    from transformers import MaskFormerImageProcessor
    rng = np.random.default_rng(11)
    classes = rng.normal(0, 2.5, (1, 8, 4)).astype(np.float32)
    coarse = rng.normal(0, 3, (8, 4, 4)).astype(np.float32)
    maps = np.stack([np.asarray(Image.fromarray(m).resize((16, 16), Image.Resampling.BICUBIC)) for m in coarse])[None]
    save("maskformer", F, [1, 3, 64, 64], [("class_queries_logits", classes), ("masks_queries_logits", maps)])
    outputs = SimpleNamespace(class_queries_logits=torch.from_numpy(classes), masks_queries_logits=torch.from_numpy(maps))
    answer = MaskFormerImageProcessor().post_process_instance_segmentation(
        outputs, threshold=0.2, target_sizes=[(64, 96)], return_binary_maps=True)[0]
    objects = [{"class": segment["label_id"], "score": segment["score"], "mask": "".join(str(int(v)) for v in mask.flatten())}
               for segment, mask in zip(answer["segments_info"], answer["segmentation"])]
    objects.sort(key=lambda o: -o["score"])
    with open(os.path.join(FOLDER, "family-maskformer.json"), "w") as file:
        json.dump(objects, file)


def tail() -> None:
    """A network of one convolution a head, and behind the heads what Ultralytics' exporter puts there: see DetectionTail.swift."""
    rng = np.random.default_rng(3)
    side, bins, classes, coefficients = 96, 4, 3, 2
    nodes, constants = [], {}

    def constant(name: str, value: np.ndarray) -> str:
        constants[name] = value
        return name

    def add(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def head(kind: str, stride: int, channels: int, scale: float, bias: float = 0.0) -> str:
        weight = rng.normal(0, scale / stride, (channels, 3, stride, stride)).astype(np.float32)
        return add("Conv", ["images", constant(f"{kind}{stride}.weight", weight),
                            constant(f"{kind}{stride}.bias", np.full(channels, bias, np.float32))],
                   f"{kind}{stride}", kernel_shape=[stride, stride], strides=[stride, stride])

    def joined(kind: str, channels: int, scale: float, bias: float = 0.0) -> str:
        shape = constant(f"{kind}.shape", np.array([1, channels, -1], np.int64))
        return add("Concat", [add("Reshape", [head(kind, s, channels, scale, bias), shape], f"{kind}{s}.flat")
                              for s in (8, 16, 32)], f"{kind}.all", axis=-1)

    boxes = joined("box", 4 * bins, 3)
    scores = add("Sigmoid", [joined("class", classes, 3, -1.5)], "scores")
    coefs = joined("coefficients", coefficients, 2)
    cells = sum((side // s) ** 2 for s in (8, 16, 32))
    split = add("Reshape", [boxes, constant("split", np.array([1, 4, bins, cells], np.int64))], "split.out")
    shares = add("Softmax", [add("Transpose", [split], "turned", perm=[0, 2, 1, 3])], "shares", axis=1)
    sums = add("Conv", [shares, constant("dfl", np.arange(bins, dtype=np.float32).reshape(1, bins, 1, 1))], "sums",
               kernel_shape=[1, 1])
    distances = add("Reshape", [sums, constant("sides", np.array([1, 4, cells], np.int64))], "distances")
    slices = [add("Slice", [distances, constant(f"from{k}", np.array([2 * k], np.int64)),
                            constant(f"to{k}", np.array([2 * k + 2], np.int64)),
                            constant(f"axis{k}", np.array([1], np.int64))], f"slice{k}") for k in (0, 1)]
    grids = [np.stack(np.meshgrid(np.arange(side // s) + 0.5, np.arange(side // s) + 0.5), 0).reshape(2, -1) for s in (8, 16, 32)]
    anchors = np.concatenate(grids, 1)[None].astype(np.float32)
    near = add("Sub", [constant("anchors0", anchors), slices[0]], "near")
    far = add("Add", [constant("anchors1", anchors.copy()), slices[1]], "far")
    centre = add("Div", [add("Add", [near, far], "sum"), constant("two", np.array(2, np.float32))], "centre")
    pair = add("Concat", [centre, add("Sub", [far, near], "size")], "pair", axis=1)
    strides = np.concatenate([np.full((1, (side // s) ** 2), s, np.float32) for s in (8, 16, 32)], 1)
    scaled = add("Mul", [pair, constant("strides", strides)], "scaled")
    add("Concat", [scaled, scores, coefs], "output0", axis=1)
    weight = rng.normal(0, 0.5, (coefficients, 3, 4, 4)).astype(np.float32)
    add("Conv", ["images", constant("prototype.weight", weight)], "output1", kernel_shape=[4, 4], strides=[4, 4])
    graph = helper.make_graph(
        nodes, "tail", [helper.make_tensor_value_info("images", F, [1, 3, side, side])],
        [helper.make_tensor_value_info("output0", F, [1, 4 + classes + coefficients, cells]),
         helper.make_tensor_value_info("output1", F, [1, coefficients, side // 4, side // 4])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (("task", "segment"), ("stride", "32"), ("names", "{0: 'a', 1: 'b', 2: 'c'}")):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(FOLDER, "tail.onnx"))


def reduced(name: str, input_type: int, shape: list[int], scale: float, axes: list[int]) -> None:
    """YOLOv8's layout; the score of its one box is the mean of the input, so that it shows what came in."""
    box = np.array([[[16], [16], [16], [16]]], np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=F),
        helper.make_node("ReduceMean", ["numbers"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("Constant", [], ["scale"], value=numpy_helper.from_array(np.array([scale], np.float32))),
        helper.make_node("Mul", ["mean", "scale"], ["score"]),
        helper.make_node("Constant", [], ["one"], value=numpy_helper.from_array(np.array([1, 1, 1], np.int64))),
        helper.make_node("Reshape", ["score", "one"], ["scores"]),
        helper.make_node("Constant", [], ["box"], value=numpy_helper.from_array(box)),
        helper.make_node("Constant", [], ["coefficient"], value=numpy_helper.from_array(np.ones((1, 1, 1), np.float32))),
        helper.make_node("Concat", ["box", "scores", "coefficient"], ["output0"], axis=1),
    ]
    save(name, input_type, shape, [("output0", np.zeros((1, 6, 1), np.float32)),
                                   ("output1", np.ones((1, 1, 8, 8), np.float32))], nodes,
         [("task", "segment"), ("names", "{0: 'thing'}")])


def half_input() -> None:
    reduced("half", H, [1, 3, 32, 32], 1.0, [0, 1, 2, 3])


def fixed_batch() -> None:
    dets = np.zeros((4, 1, 5), np.float32)
    dets[0, 0] = [8, 4, 24, 20, 0.9]
    masks = np.zeros((4, 1, 64, 64), np.float32)
    masks[0, 0] = half((64, 64))
    save("batch", F, [4, 3, 64, 64], [("dets", dets), ("labels", np.zeros((4, 1), np.int64)), ("masks", masks)])


def bytes_input() -> None:
    reduced("bytes", U, [1, 32, 32, 3], 1 / 255, [0, 1, 2, 3])


def resample() -> None:
    """Pillow's bilinear filter on a picture of noise."""
    noise = np.random.default_rng(7).integers(0, 256, (23, 37, 3), np.uint8)
    cases = []
    for width, height in ((16, 16), (60, 50), (5, 40), (37, 7)):
        result = np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BILINEAR))
        cases.append({"width": width, "height": height, "pixels": result.flatten().tolist()})
    with open(os.path.join(FOLDER, "resample.json"), "w") as file:
        json.dump({"width": 37, "height": 23, "pixels": noise.flatten().tolist(), "cases": cases}, file, separators=(",", ":"))


for make in (rtmdet_ins, rtmdet_heads, yolov7, yolov9, fastsam, columns_free, rows_free, ready_unnamed, yolact_minimal, dfine,
             dfine_raw, maskformer, mmdeploy, detectron2, yolact, fixed_batch, tail, half_input, bytes_input, resample):
    if len(sys.argv) < 2 or make.__name__ in sys.argv[1:]:
        make()
