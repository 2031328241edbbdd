"""Measures how time and memory grow, and draws it into docs/images/scaling-*.png. Needs: pip install onnx numpy pillow matplotlib

    scripts/scaling.py [--models DIR] [--model NAME/V] [--only size,objects,classes,callers,models]

Image size, objects and classes are measured with `silhouette benchmark`, callers and models with the server. Networks of a given
number of objects or classes are made for it: their outputs are constants.
"""

from __future__ import annotations

import argparse
import base64
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import bench

IMAGES = os.path.join(bench.ROOT, "docs/images")
SAMPLE = os.path.join(bench.ROOT, "models/tabletop/1/sample.jpg")


def constant_model(folder: str, name: str, objects: int, classes: int) -> str:
    """YOLOv8's layout at 640x640 with that many round objects, none of which overlap much, whatever the picture is."""
    anchors, side = 8400, int(np.ceil(np.sqrt(objects)))
    boxes = np.zeros((1, 4 + classes + 32, anchors), np.float32)
    size = 600 / side
    for k in range(objects):
        boxes[0, :4, k] = [20 + (k % side + 0.5) * size, 20 + (k // side + 0.5) * size, size * 0.95, size * 0.95]
        boxes[0, 4 + k % classes, k] = 0.9 - 0.0005 * k
        boxes[0, 4 + classes, k] = 1
    y, x = np.mgrid[0:160, 0:160] * 4 + 2
    cell = np.hypot((x - 20) % size - size / 2, (y - 20) % size - size / 2)
    prototypes = np.zeros((1, 32, 160, 160), np.float32)
    prototypes[0, 0] = size * 0.46 - cell
    nodes = [helper.make_node("Constant", [], [key], value=numpy_helper.from_array(value))
             for key, value in (("output0", boxes), ("output1", prototypes))]
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 640, 640])],
                              [helper.make_tensor_value_info(key, TensorProto.FLOAT, value.shape)
                               for key, value in (("output0", boxes), ("output1", prototypes))])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (("task", "segment"), ("names", repr({k: f"class {k}" for k in range(classes)}))):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    os.makedirs(f"{folder}/{name}/1")
    onnx.save(model, f"{folder}/{name}/1/model.onnx")
    return f"{name}/1"


def draw(name: str, x_label: str, xs: Sequence[float], lines: dict[str, list[float]], y_label: str = "milliseconds",
         log: bool = True) -> None:
    plt.figure(figsize=(5.2, 3.4))
    for label, ys in lines.items():
        plt.plot(xs, ys, marker="o", markersize=3, linewidth=1.2, label=label)
    if log:
        plt.xscale("log")
        plt.yscale("log")
    plt.xlabel(x_label)
    plt.ylabel(y_label)
    plt.grid(alpha=0.25)
    plt.legend(fontsize=7)
    plt.tight_layout()
    plt.savefig(os.path.join(IMAGES, f"scaling-{name}.png"), dpi=110)
    print(name, xs)
    for label, ys in lines.items():
        print(f"  {label:<28}", " ".join(f"{y:9.2f}" for y in ys), flush=True)


def stages(models: str, model: str, picture: str, iterations: int = 7) -> dict[str, float]:
    return bench.benchmark(models, model, "--iterations", str(iterations), picture)["milliseconds"]


def size(models: str, model: str, folder: str) -> None:
    megapixels, rows = [0.3, 1, 3, 6, 12, 25, 50], []
    for n in megapixels:
        width = round((n * 1e6 * 4 / 3) ** 0.5)
        rows.append(stages(models, model, bench.picture(SAMPLE, width, round(width * 0.75), os.path.join(folder, "size.jpg"))))
    names = ("decode", "preprocess", "inference", "postprocess", "encode", "total")
    draw("size", "megapixels", megapixels, {name: [row[name] for row in rows] for name in names})


def objects(_: str, __: str, folder: str) -> None:
    counts = [1, 3, 10, 30, 100, 300]
    own = [constant_model(folder, f"objects{n}", n, 1) for n in counts]
    lines = {}
    for width, height in ((1280, 960), (4000, 3000)):
        picture = bench.picture(SAMPLE, width, height, os.path.join(folder, "objects.jpg"))
        rows = [stages(folder, name, picture) for name in own]
        for name in ("postprocess", "encode"):
            lines[f"{name}, {width}x{height}"] = [row[name] for row in rows]
    draw("objects", "objects that fill the picture", counts, lines)


def classes(_: str, __: str, folder: str) -> None:
    counts = [1, 10, 80, 300, 600, 1200]
    picture = bench.picture(SAMPLE, 1280, 960, os.path.join(folder, "classes.jpg"))
    rows = [stages(folder, constant_model(folder, f"classes{n}", 20, n), picture) for n in counts]
    draw("classes", "classes (8,400 anchors, 20 objects)", counts, {"postprocess": [row["postprocess"] for row in rows]})


def callers(models: str, model: str, folder: str) -> None:
    counts = [1, 2, 4, 8, 16, 32, 64]
    body = base64.b64encode(bench.contents(bench.picture(SAMPLE, 1280, 720, os.path.join(folder, "callers.jpg"))))
    server = bench.Server(models, model)
    server.load(model, body, 4, 1)
    p50, p99, rates, memory = [], [], [], []
    for n in counts:
        times, rate = server.load(model, body, n, 5)
        p50.append(bench.share(times, 0.5))
        p99.append(bench.share(times, 0.99))
        rates.append(rate)
        memory.append(server.memory())
    server.end()
    draw("callers", "callers", counts, {"p50, ms": p50, "p99, ms": p99, "answers a second": rates, "resident, MB": memory},
         y_label="")


def models_(models: str, model: str, folder: str) -> None:
    counts = [1, 2, 5, 10, 20]
    source = os.path.join(models, model, "model.onnx")
    for k in range(counts[-1]):
        os.makedirs(f"{folder}/many/m{k:02}/1")
        os.symlink(os.path.abspath(source), f"{folder}/many/m{k:02}/1/model.onnx")
    body = base64.b64encode(bench.contents(bench.picture(SAMPLE, 1280, 720, os.path.join(folder, "models.jpg"))))
    lines = {}
    for limit in (None, 4):
        arguments = ["--max-models", str(limit)] if limit else []
        resident, median = [], []
        for n in counts:
            server = bench.Server(os.path.join(folder, "many"), "none", *arguments)
            times = []
            for round_ in range(4):
                for k in range(n):
                    times += server.ask(f"m{k:02}/1", body, count=1)[:1] if round_ else server.ask(f"m{k:02}/1", body, count=1)[1:]
            resident.append(server.memory())
            median.append(statistics.median(times))
            server.end()
        kind = f"at most {limit} open" if limit else "all open"
        lines[f"resident MB, {kind}"] = resident
        lines[f"ms an answer in turn, {kind}"] = median
    draw("models", "models, asked in turn", counts, lines, y_label="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=os.path.join(bench.ROOT, "models"))
    parser.add_argument("--model", default="tabletop/1")
    parser.add_argument("--only", default="size,objects,classes,callers,models")
    arguments = parser.parse_args()
    parts = {"size": size, "objects": objects, "classes": classes, "callers": callers, "models": models_}
    for name in arguments.only.split(","):
        if name not in parts:
            sys.exit(f"there is no part '{name}'; there are {', '.join(parts)}")
        with tempfile.TemporaryDirectory() as folder:
            start = time.time()
            parts[name](arguments.models, arguments.model, folder)
            print(f"  ({time.time() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
