"""Exports networks with random weights by the families' own exporters, and compares our answers with the families' own predictors.

    python scripts/exports.py CACHE PROGRAM [--only TEXT]

CACHE keeps the exporters (one folder of packages for each version, installed by pip without their dependencies), the models and the
answers; PROGRAM is the silhouette program. The Python that runs this needs torch, onnx, onnxruntime, onnxslim, onnxsim, opencv and pycocotools.
Not run in CI: a row takes about half a minute. The rows that were run are in docs/models.md.

An answer counts as the same if it has the same objects: class equal, corners within 0.5 px, scores within 1e-3, masks with an IoU of at
least 0.99. With random weights neighboring cells propose boxes whose scores differ in the seventh digit, so that suppression keeps one or the
other: objects that have no match, but one of their class with the same score to 2e-5, are counted as tied.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

SIDE = 320
LEAST = 0.02
VERSIONS = ("8.4.190", "8.3.0", "8.2.0")
# Network, arguments of the export, number of classes.
ROWS = [
    ("yolov8n-seg", {}, 80), ("yolov8n-seg", {"dynamic": True}, 80), ("yolov8n-seg", {"dynamic": True, "simplify": False}, 80),
    ("yolov8n-seg", {"dynamic": True, "simplify": False, "opset": 12}, 80), ("yolov8n-seg", {"simplify": True, "opset": 11}, 80),
    ("yolov8n-seg", {"opset": 17}, 1), ("yolov8n-seg", {"imgsz": [SIDE, SIDE * 3 // 4]}, 3),
    ("yolov8n-seg", {"nms": True}, 3), ("yolov8n-seg", {"nms": True, "dynamic": True}, 1),
    ("yolo11n-seg", {"dynamic": True, "simplify": False}, 80), ("yolo11n-seg", {}, 1), ("yolo11n-seg", {"half": True}, 3),
    ("yolo26n-seg", {}, 3), ("yolo26n-seg", {"dynamic": True, "simplify": False}, 80), ("yolo26n-seg", {"nms": False}, 3),
    ("yolo26n-seg", {"nms": False, "dynamic": True}, 1),
]


def images(folder):
    """Three pictures as large as the input or smaller, so that no resizing comes between: gradients, discs and noise."""
    import cv2
    import numpy as np
    folder.mkdir(parents=True, exist_ok=True)
    for k, (width, height) in enumerate([(SIDE, SIDE), (SIDE, SIDE * 4 // 5), (SIDE * 4 // 5, SIDE)]):
        random = np.random.default_rng(k)
        y, x = np.mgrid[0:height, 0:width]
        picture = np.stack([x * 255 // width, y * 255 // height, (x * 7 + y * 13) % 256], 2).astype(np.uint8)
        for _ in range(12):
            center, color = random.integers(0, (width, height)), random.integers(0, 256, 3)
            cv2.circle(picture, [int(v) for v in center], int(random.integers(8, 60)), [int(v) for v in color], -1)
        cv2.imwrite(str(folder / f"{k}.png"), picture)


def work(folder, row):
    """Runs with one version of the exporter: makes the model, and writes what its own predictor answers."""
    import numpy as np
    import torch
    import ultralytics
    from pycocotools import mask as runs
    from ultralytics import YOLO
    network, arguments, classes = ROWS[row]
    torch.manual_seed(row)
    # Older versions leave the choice of torch's exporter to torch, whose default was the tracing one.
    export = torch.onnx.export
    torch.onnx.export = lambda *values, **named: export(*values, **{"dynamo": False, **named})
    folder.mkdir(parents=True, exist_ok=True)
    config = next(pathlib.Path(ultralytics.__file__).parent.rglob(f"{network.replace('n-seg', '-seg')}.yaml"), None)
    if config is None:
        sys.exit(f"this version has no {network}")
    text = config.read_text().replace("nc: 80", f"nc: {classes}")
    own = folder / f"{network}.yaml"
    own.write_text(text)
    model = YOLO(str(own), task="segment")
    head = model.model.model[-1]
    for name, module in head.named_modules():
        # Scores and coefficients that differ from cell to cell; with the initial weights all are nearly the same.
        if isinstance(module, torch.nn.Conv2d) and ("cv3" in name or "cv4" in name) and module.kernel_size == (1, 1) and module.bias is not None:
            module.weight.data.normal_(0, 1.5)
            module.bias.data.normal_(-4 if "cv3" in name else 0, 1)
    for parameter in model.model.modules():
        if isinstance(parameter, torch.nn.BatchNorm2d):
            parameter.running_mean.normal_(0, 0.1)
            parameter.weight.data.uniform_(0.5, 2)
    size = arguments.get("imgsz", SIDE)
    made = pathlib.Path(model.export(format="onnx", device="cpu", verbose=False, **{"imgsz": size, **arguments, **({"conf": LEAST} if arguments.get("nms") else {})}))
    target = folder / "models/export/1/model.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(made, target)
    predictor = YOLO(str(target), task="segment")
    answers = []
    for k in range(3):
        found = predictor.predict(str(folder.parent / "images" / f"{k}.png"), conf=LEAST, iou=0.7, imgsz=size, retina_masks=True, max_det=300, verbose=False, device="cpu")[0]
        masks = [] if found.masks is None else found.masks.data.cpu().numpy().astype(np.uint8)
        for box, score, kind, mask in zip(found.boxes.xyxy.tolist(), found.boxes.conf.tolist(), found.boxes.cls.tolist(), masks):
            counts = runs.encode(np.asfortranarray(mask))
            answers.append({"image": k, "box": box, "score": score, "class": int(kind), "mask": {"size": counts["size"], "counts": counts["counts"].decode()}})
    (folder / "theirs.json").write_text(json.dumps(answers))


def ours(folder, program):
    """What our program answers, as `evaluate` saves it."""
    from PIL import Image
    pictures = folder.parent / "images"
    entries = [{"id": k, "file_name": f"{k}.png", "width": Image.open(pictures / f"{k}.png").width, "height": Image.open(pictures / f"{k}.png").height} for k in range(3)]
    classes = ROWS[int(folder.name.split("-")[0])][2]
    document = {"images": entries, "annotations": [], "categories": [{"id": c, "name": str(c)} for c in range(classes)]}
    (folder / "annotations.json").write_text(json.dumps(document))
    saved = folder / "ours.json"
    # Predictors before 8.4 give networks of free shape the full square.
    square = [] if folder.name.split("-")[1].startswith("8.4") else ["--square"]
    saved.unlink(missing_ok=True)
    listed = subprocess.run([program, "models", "--models", str(folder / "models")], capture_output=True, text=True, cwd=pathlib.Path(program).resolve().parents[2])
    run = subprocess.run(
        [program, "evaluate", "--models", str(folder / "models"), "--model", "export/1", "--annotations", str(folder / "annotations.json"), "--images", str(pictures),
         "--score-threshold", str(LEAST), "--iou", "0.7", "--save-detections", str(saved), *square],
        capture_output=True, text=True, cwd=pathlib.Path(program).resolve().parents[2])
    if not saved.exists():
        return None, (run.stderr or run.stdout).strip()[-200:]
    if listed.returncode:
        return None, "models: " + listed.stdout.strip()[-200:]
    return json.loads(saved.read_text()), listed.stdout.split()[1]


def compare(theirs, found):
    """The worst differences of matched objects, and how many have no match."""
    from pycocotools import mask as runs
    left = list(found)
    worst = {"missing": 0, "more": 0, "tied": 0, "corner": 0.0, "score": 0.0, "mask": 1.0}
    alone = []
    for one in theirs:
        def distance(other):
            x, y, w, h = other["bbox"]
            return max(abs(a - b) for a, b in zip(one["box"], (x, y, x + w, y + h)))
        same = [o for o in left if o["image_id"] == one["image"] and o["category_id"] == one["class"] and abs(o["score"] - one["score"]) < 5e-3]
        best = min(same, key=lambda o: distance(o) + 100 * abs(o["score"] - one["score"]), default=None)
        # Their cutting leaves slivers of a few pixels that ours does not have, and the other way round.
        if best is None or distance(best) > 1:
            alone += [one] if runs.area(one["mask"]) > 16 else []
            continue
        left.remove(best)
        worst["corner"] = max(worst["corner"], distance(best))
        worst["score"] = max(worst["score"], abs(best["score"] - one["score"]))
        if runs.area(one["mask"]) >= 256:
            worst["mask"] = min(worst["mask"], float(runs.iou([one["mask"]], [best["segmentation"]], [0])[0, 0]))
    left = [o for o in left if runs.area(o["segmentation"]) > 16]
    def tied(one, other):
        return (one["image"], one["class"]) == (other["image_id"], other["category_id"]) and abs(one["score"] - other["score"]) < 2e-5
    worst["missing"] = sum(not any(tied(one, other) for other in left) for one in alone)
    worst["more"] = sum(not any(tied(one, other) for one in alone) for other in left)
    worst["tied"] = len(alone) - worst["missing"]
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("program", nargs="?")
    parser.add_argument("--only", default="")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    cache = options.cache.resolve()
    if options.work:
        return work(cache / options.work[0], int(options.work[1]))
    images(cache / "images")
    failures = 0
    for version in VERSIONS:
        packages = cache / f"ultralytics-{version}"
        if not packages.exists():
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages), f"ultralytics=={version}"], check=True)
        for row, (network, arguments, classes) in enumerate(ROWS):
            title = f"ultralytics {version} | {network} | {classes} | {' '.join(f'{k}={v}' for k, v in arguments.items()) or '-'}"
            if options.only not in title:
                continue
            folder = cache / f"{row:02}-{version}"
            if not (folder / "theirs.json").exists():
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")]), "YOLO_CONFIG_DIR": str(cache / "settings"),
                               "YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true"}
                made = subprocess.run([sys.executable, __file__, str(cache), "--work", folder.name, str(row)], env=environment, capture_output=True, text=True)
                if made.returncode:
                    print(f"{title} | not exported: {(made.stderr.strip().splitlines() or ['no message'])[-1][:120]}", flush=True)
                    continue
            theirs = json.loads((folder / "theirs.json").read_text())
            found, note = ours(folder, options.program)
            if found is None:
                failures += 1
                print(f"{title} | REFUSED: {note}", flush=True)
                continue
            worst = compare(theirs, found)
            good = worst["missing"] == worst["more"] == 0 and worst["corner"] <= 0.5 and worst["score"] <= 1e-3 and worst["mask"] >= 0.99
            failures += not good
            print(f"{title} | {note} | {'same' if good else 'OTHER'} | {len(theirs)} objects | {worst['missing']} missing, {worst['more']} more, {worst['tied']} tied | "
                  f"{worst['corner']:.4f} px | {worst['score']:.1e} | {worst['mask']:.4f}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
