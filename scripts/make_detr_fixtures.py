"""Makes Tests/TestSupport/Fixtures/family-libreyolo-*.onnx, family-dfine-seg.onnx, family-nitid.onnx and own-answers.json: tiny models in the layouts
that LibreYOLO, dfine-seg and nitid export, and what the tools' own predictors answer for one picture.

    python scripts/make_detr_fixtures.py CACHE

CACHE is that of scripts/exports.py, with libreyolo 1.2.0, 1.5.0 and 1.6.0, dfine-seg 0.6.2 and nitid 0.9.2. The models have no trained weights: boxes are
constants, scores come from the means of the input and masks from its cells, so that answers are only right where the picture was prepared
as the tool prepares it.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests/TestSupport/Fixtures"
PICTURE = (101, 77)
SIDE = 64
# Name of the fixture, tool with its version, what it says of itself.
MODELS = [
    ("libreyolo-ec", "libreyolo-1.6.0", "ec"), ("libreyolo-gtr", "libreyolo-1.6.0", "gtr"), ("libreyolo-dfine", "libreyolo-1.6.0", "dfine"),
    ("libreyolo-rfdetr", "libreyolo-1.6.0", "rfdetr"), ("libreyolo-rfdetr-1.5", "libreyolo-1.5.0", "rfdetr"),
    ("libreyolo-mask-rcnn", "libreyolo-1.6.0", "mask_rcnn"), ("libreyolo-yolo9", "libreyolo-1.2.0", "yolo9"),
    ("dfine-seg", "dfine-seg-0.6.2", None), ("nitid", "nitid-0.9.2", None),
]


def picture(width, height, variant=0):
    """The picture of TinyParityTests: gradients and seven discs, in whole numbers."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x * 7 + y * 13 + variant * 29) * 5 % 256], 2)
    for i in range(7):
        cx, cy = (2 * i + 1 + variant) * 37 % 100 * width // 100, (3 * i + 2 + variant) * 53 % 100 * height // 100
        radius = (6 + 3 * i) * min(width, height) // 100
        pixels[(x - cx) ** 2 + (y - cy) ** 2 <= radius * radius] = [(i * 91 + 40) % 256, (i * 57 + 160) % 256, (i * 23 + 90) % 256]
    return pixels.astype(np.uint8)


def make(name, tool, family):
    """Writes a model."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    random = np.random.default_rng(5)
    source = "input" if family == "rfdetr" or tool.startswith("dfine") else "images"
    nodes, outputs = [], []

    def constant(key, value):
        nodes.append(helper.make_node("Constant", [], [key], value=numpy_helper.from_array(np.asarray(value))))
        return key

    def output(key, shape, kind=TensorProto.FLOAT):
        outputs.append(helper.make_tensor_value_info(key, kind, shape))

    def node(kind, inputs, key, **values):
        nodes.append(helper.make_node(kind, inputs, [key], **values))
        return key

    def maps(count, key, scale, bias=0.0):
        """Sums of the channels in cells of 4 x 4 pixels."""
        pooled = node("AveragePool", [source], f"{key}.pooled", kernel_shape=[4, 4], strides=[4, 4])
        weights = (scale * random.normal(size=(count, 3, 1, 1))).astype(np.float32)
        return node("Conv", [pooled, constant(f"{key}.weights", weights), constant(f"{key}.bias", np.full(count, bias, np.float32))], key)

    def scores(shape, key, spread):
        """Numbers that the means of the channels move."""
        means = node("Reshape", [node("GlobalAveragePool", [source], f"{key}.means"), constant(f"{key}.flat", np.array([1, 3], np.int64))], f"{key}.row")
        size = int(np.prod(shape))
        moved = node("Gemm", [means, constant(f"{key}.weights", (0.5 * random.normal(size=(3, size))).astype(np.float32)),
                              constant(f"{key}.bias", random.uniform(-spread, spread, size).astype(np.float32))], f"{key}.all")
        return node("Reshape", [moved, constant(f"{key}.shape", np.array(shape, np.int64))], key)

    queries, classes = 6, 3
    # Two of the boxes overlap, and one leaves the picture.
    boxes = np.array([[0.3, 0.3, 0.4, 0.5], [0.32, 0.31, 0.41, 0.5], [0.7, 0.4, 0.5, 0.6], [0.5, 0.8, 0.9, 0.35], [0.9, 0.9, 0.4, 0.4], [0.2, 0.7, 0.25, 0.3]], np.float32)
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1) * SIDE
    if family in ("ec", "gtr", "dfine"):
        scores([1, queries, classes], "pred_logits", 2)
        constant("pred_boxes", boxes[None])
        if family == "dfine":
            node("Sigmoid", [maps(queries, "sums", 4)], "pred_masks")
        else:
            maps(queries, "pred_masks", 1)
        for key, shape in (("pred_logits", [1, queries, classes]), ("pred_boxes", [1, queries, 4]), ("pred_masks", [1, queries, 16, 16])):
            output(key, shape)
    elif family == "rfdetr":
        constant("dets", boxes[None])
        scores([1, queries, classes + 1], "labels", 2)
        maps(queries, "masks", 1)
        for key, shape in (("dets", [1, queries, 4]), ("labels", [1, queries, classes + 1]), ("masks", [1, queries, 16, 16])):
            output(key, shape)
    elif family == "mask_rcnn":
        constant("boxes", corners)
        node("Sigmoid", [scores([queries], "raw", 2)], "scores")
        constant("labels", np.array([0, 1, 2, 0, 1, 2], np.int64))
        weights = (4 * random.normal(size=(queries, 3, 1, 1))).astype(np.float32)
        sums = node("Conv", [source, constant("weights", weights), constant("bias", np.full(queries, -0.5, np.float32))], "sums")
        node("Reshape", [node("Sigmoid", [sums], "all"), constant("shape", np.array([queries, 1, SIDE, SIDE], np.int64))], "masks")
        for key, shape, kind in (("boxes", [queries, 4], 1), ("scores", [queries], 1), ("labels", [queries], 7), ("masks", [queries, 1, SIDE, SIDE], 1)):
            output(key, shape, kind)
    elif family == "yolo9":
        constant("corners", corners.T[None].astype(np.float32))
        node("Sigmoid", [scores([1, classes, queries], "raw", 2)], "classes")
        node("Concat", ["corners", "classes"], "predictions", axis=1)
        maps(4, "proto", 2)
        constant("mask_coeffs", random.normal(size=(1, 4, queries)).astype(np.float32))
        for key, shape in (("predictions", [1, 4 + classes, queries]), ("proto", [1, 4, 16, 16]), ("mask_coeffs", [1, 4, queries])):
            output(key, shape)
    else:
        constant("labels", np.array([[0, 1, 2, 0, 1, 2]], np.int64))
        constant("boxes", corners[None] if tool.startswith("nitid") else np.clip(corners, 0, SIDE)[None])
        node("Sigmoid", [scores([1, queries], "raw", 2)], "scores")
        node("Sigmoid", [maps(queries, "sums", 4, 2)], "masks")
        for key, shape, kind in (("labels", [1, queries], 7), ("boxes", [1, queries, 4], 1), ("scores", [1, queries], 1), ("masks", [1, queries, 16, 16], 1)):
            output(key, shape, kind)
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info(source, TensorProto.FLOAT, [1, 3, SIDE, SIDE])], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if family:
        names = json.dumps({str(c): n for c, n in enumerate("abc")})
        helper.set_model_props(model, {
            "schema_version": "1.0", "libreyolo_version": tool.split("-")[1], "model_family": family, "size": "n", "model_size": "n", "task": "segment",
            "supported_tasks": '["segment"]', "default_task": "segment", "nc": "3", "nb_classes": "3", "names": names, "imgsz": str(SIDE), "dynamic": "False", "segmentation": "true"})
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"family-{name}.onnx")


def answer(name, tool, family):
    """Runs with the tool: what its own predictor answers."""
    import cv2
    from exporters import dfine_seg, libreyolo, nitid
    path, image = FOLDER / f"family-{name}.onnx", pathlib.Path("picture.png").resolve()
    cv2.imwrite(str(image), picture(*PICTURE)[..., ::-1])
    settings = {"side": SIDE} if tool.startswith("nitid") else {}
    predict = {"libreyolo": libreyolo, "dfine": dfine_seg, "nitid": nitid}[tool.split("-")[0]].predictor(path, 3, **settings)
    answers = []
    for box, score, label, mask in zip(*predict(str(image))):
        if label >= 3:
            continue  # RF-DETR's slot for "no object", which LibreYOLO answers too
        box = [min(max(float(v), 0), limit) for v, limit in zip(box, PICTURE * 2)]
        flat = np.asarray(mask).astype(np.uint8).T.reshape(-1)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
        answers.append({"box": [round(v, 4) for v in box], "score": round(float(score), 6), "class": int(label), "counts": np.diff([0, *edges, flat.size]).tolist()})
    print(json.dumps(answers))


def main():
    if len(sys.argv) > 2:
        return answer(*next(model for model in MODELS if model[0] == sys.argv[2]))
    cache = pathlib.Path(sys.argv[1]).resolve()
    answers = {}
    for name, tool, family in MODELS:
        make(name, tool, family)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(cache / f"packages-{tool.replace('-seg', '_seg')}"), str(pathlib.Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}
        run = subprocess.run([sys.executable, str(pathlib.Path(__file__).resolve()), str(cache), name], env=environment, capture_output=True, text=True, cwd=cache)
        if run.returncode:
            sys.exit(f"{name}: {run.stderr[-2000:]}")
        answers[name] = json.loads(run.stdout.strip().splitlines()[-1])
        print(name, len(answers[name]), [a["score"] for a in answers[name]][:8], flush=True)
    text = ",\n".join(f'"{name}": [\n' + ",\n".join(json.dumps(a, separators=(",", ":")) for a in found) + "\n]" for name, found in answers.items())
    (FOLDER / "own-answers.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
