"""Exports networks with random weights by LibreYOLO, dfine-seg, nitid and YOLOE of Ultralytics, and compares our answers with those of their
own predictors on the same file.

    python scripts/family_exports.py CACHE PROGRAM [--only TEXT]

CACHE keeps the exporters (one folder of packages for each version, installed by pip without their dependencies), the models and the answers;
PROGRAM is the silhouette program. The Python that runs this needs torch, torchvision, onnx, onnxruntime, onnxsim, onnxslim, onnxscript,
onnxconverter-common, transformers, opencv, pandas, hydra-core, loguru, scipy, tabulate and pycocotools. Not run in CI: a row takes about a minute.
The rows that were run are in docs/models.md; those of other families are run by scripts/exports.py.

An answer counts as the same if it has the same objects: class equal, corners within 0.5 px, scores within 1e-3, masks with an IoU of at least
0.99 where they have 256 pixels or more. Boxes of theirs are clipped to the image first, as ours are.
"""

import argparse
import ast
import importlib
import json
import os
import pathlib
import subprocess
import sys
import types

LEAST = 0.1
SIDE = 320
# Tool, versions, network, arguments of the export, number of classes.
ROWS = [
    ("libreyolo", ("1.6.0", "1.5.0", "1.4.0", "1.3.1"), "ec s", {}, 3),
    ("libreyolo", ("1.6.0",), "ec s", {"dynamic": False, "simplify": False}, 1),
    ("libreyolo", ("1.6.0",), "ec s", {"half": True}, 80),
    ("libreyolo", ("1.6.0",), "gtr s", {}, 3),
    ("libreyolo", ("1.6.0",), "gtr s", {"simplify": False}, 80),
    ("libreyolo", ("1.6.0", "1.5.0", "1.4.0"), "dfine n", {}, 3),
    ("libreyolo", ("1.6.0",), "dfine n", {"dynamic": False, "simplify": False}, 1),
    ("libreyolo", ("1.6.0",), "dfine n", {"half": True}, 80),
    ("libreyolo", ("1.6.0",), "dfine n", {"imgsz": SIDE}, 3),
    ("libreyolo", ("1.6.0", "1.5.0", "1.4.0", "1.3.1", "1.2.0"), "rfdetr n", {}, 3),
    ("libreyolo", ("1.6.0",), "rfdetr n", {"dynamic": False, "simplify": False}, 1),
    ("libreyolo", ("1.6.0", "1.5.0"), "rfdetr n", {}, 80),
    ("libreyolo", ("1.6.0",), "rfdetr n", {"half": True}, 3),
    ("libreyolo", ("1.6.0", "1.5.0"), "mask_rcnn r50", {"imgsz": SIDE}, 3),
    ("libreyolo", ("1.6.0",), "mask_rcnn r50", {"imgsz": SIDE, "dynamic": False}, 3),
    ("libreyolo", ("1.6.0",), "mask_rcnn r50", {"imgsz": SIDE}, 80),
    ("libreyolo", ("1.2.0",), "yolo9 t", {"imgsz": SIDE}, 3),
    ("libreyolo", ("1.2.0",), "yolo9 t", {"imgsz": SIDE, "dynamic": False}, 1),
    ("libreyolo", ("1.2.0",), "yolo9 t", {"imgsz": SIDE, "half": True}, 80),
    ("libreyolo", ("1.2.0",), "ec s", {}, 3),
    ("dfine-seg", ("0.6.2", "0.4.2", "0.3.0"), "n", {}, 3),
    ("dfine-seg", ("0.6.2",), "n", {"dynamic_input": True}, 80),
    ("dfine-seg", ("0.6.2",), "s", {"max_batch_size": 2}, 1),
    ("dfine-seg", ("0.6.2",), "n", {"half": True}, 3),
    ("nitid", ("0.9.2", "0.9.1"), "n", {}, 3),
    ("nitid", ("0.9.2",), "n", {"dynamic": True, "simplify": False}, 80),
    ("nitid", ("0.9.2",), "n", {"postprocess": False}, 3),
    ("ultralytics", ("8.4.190", "8.3.200"), "yoloe-11s-seg", {}, 3),
    ("ultralytics", ("8.4.190",), "yoloe-11s-seg", {"dynamic": True}, 1),
    ("ultralytics", ("8.4.190", "8.3.200"), "yoloe-v8s-seg", {"simplify": False}, 5),
    ("ultralytics", ("8.4.190",), "yoloe-26n-seg", {}, 3),
    ("ultralytics", ("8.4.190",), "yoloe-26n-seg", {"dynamic": True}, 3),
    ("ultralytics", ("8.4.190", "8.3.200"), "yoloe-11s-seg-pf", {}, 4585),
    ("ultralytics", ("8.4.190",), "yoloe-26n-seg-pf", {}, 4585),
    ("ultralytics", ("8.4.190",), "yoloe-11s-seg-pf", {"dynamic": True}, 4585),
]


def images(folder):
    """Three images of other shapes than the inputs: gradients, discs and noise."""
    import cv2
    import numpy as np
    folder.mkdir(parents=True, exist_ok=True)
    for k, (width, height) in enumerate([(500, 375), (241, 327), (640, 640)]):
        random = np.random.default_rng(k)
        y, x = np.mgrid[0:height, 0:width]
        picture = np.stack([x * 255 // width, y * 255 // height, (x * 7 + y * 13) % 256], 2).astype(np.uint8)
        for _ in range(12):
            center, color = random.integers(0, (width, height)), random.integers(0, 256, 3)
            cv2.circle(picture, [int(v) for v in center], int(random.integers(8, 60)), [int(v) for v in color], -1)
        cv2.imwrite(str(folder / f"{k}.png"), picture)


def spread(network, heads, convolutions=()):
    """Weights whose scores differ from class to class and object to object; with the initial ones all are nearly the same."""
    import torch
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, torch.nn.Linear) and any(part in name for part in heads):
                module.weight.normal_(0, 2 / module.in_features ** 0.5, generator=generator)
                if module.bias is not None:
                    module.bias.normal_(-1, 0.3, generator=generator)
            if isinstance(module, torch.nn.Conv2d) and module.bias is not None and any(part in name for part in convolutions):
                module.weight.normal_(0, 1, generator=generator)
                module.bias.normal_(-1, 0.5, generator=generator)
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1, generator=generator)


def libreyolo(target, network, arguments, classes):
    names = {"ec": "LibreEC", "gtr": "LibreGTR", "dfine": "LibreDFINE", "rfdetr": "LibreRFDETR", "mask_rcnn": "LibreMaskRCNN", "yolo9": "LibreYOLO9"}
    family, size = network.split()
    kind = getattr(importlib.import_module(f"libreyolo.models.{family}.model"), names[family])
    model = kind({} if family == "rfdetr" else None, size=size, nb_classes=classes, device="cpu", task="segment")
    spread(model.model, ("score_head", "class_embed", "cls_score"), ("cv3", "head.class", "cls_branch") if family == "yolo9" else ())
    model.export(format="onnx", output_path=str(target), **arguments)
    return libreyolo_predictor(target, classes, arguments)


def libreyolo_predictor(target, classes, arguments):
    import numpy as np
    from libreyolo.backends.onnx import OnnxBackend
    predictor = OnnxBackend(str(target), nb_classes=classes)

    def predict(picture):
        found = predictor(picture, conf=LEAST, iou=0.7, max_det=300)
        found = found[0] if isinstance(found, list) else found
        masks = [] if found.masks is None else found.masks.data
        return [np.asarray(part) for part in (found.boxes.xyxy, found.boxes.conf, found.boxes.cls, masks)]
    return predict


class Stub(types.ModuleType):
    """Stands for a package that is imported and not used."""
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def stub(*names):
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = Stub(name)


UNUSED = ("wandb", "faster_coco_eval", "faster_coco_eval.core", "albumentations", "albumentations.core", "albumentations.core.transforms_interface", "albumentations.pytorch")


def dfine_seg(target, network, arguments, classes):
    import torch
    stub(*UNUSED)
    from dfine_seg.dl import export
    from dfine_seg.model.dfine import build_model
    dynamic = arguments.get("dynamic_input", False)
    model = build_model(network, classes, True, "cpu", img_size=None if dynamic else (SIDE, SIDE)).eval()
    spread(model, ("score_head",))
    wrapped = export.ExportWrapper(model, export.DFINEPostProcessor(classes)).eval() if "input_size" not in export.ExportWrapper.__init__.__code__.co_varnames \
        else export.ExportWrapper(model, export.DFINEPostProcessor(classes), (SIDE, SIDE)).eval()
    batch = arguments.get("max_batch_size", 1)
    export.export_to_onnx(wrapped, target, torch.randn(batch, 3, SIDE, SIDE), batch, arguments.get("half", False), dynamic, "input", ["labels", "boxes", "scores", "masks"])
    return dfine_seg_predictor(target, classes, arguments)


def dfine_seg_predictor(target, classes, arguments):
    import cv2
    stub(*UNUSED)
    from dfine_seg.infer import onnx_model
    kind = getattr(onnx_model, "ONNXModel", None) or onnx_model.ONNX_model
    takes = kind.__init__.__code__.co_varnames
    predictor = kind(str(target), conf_thresh=LEAST, **({"n_outputs": classes} if "n_outputs" in takes else {}))

    def predict(picture):
        found = predictor(cv2.imread(picture))[0]
        return [found[key].numpy() for key in ("boxes", "scores", "labels", "masks")]
    return predict


def nitid(target, network, arguments, classes):
    from dfine.exporter import DFINEExporter
    from dfine.nn.configs import get_model_config
    from dfine.nn.native_build import build_native_model
    model = build_native_model(network, num_classes=classes, task="segment", image_size=(SIDE, SIDE)).eval()
    spread(model, ("score_head",))
    if hasattr(model, "deploy"):
        model = model.deploy() or model
    exporter = DFINEExporter(model, {**get_model_config(network), "task": "segment", "num_classes": classes}, "cpu")
    values = {"format": "onnx", "imgsz": SIDE, "batch": 1, "dynamic": False, "simplify": True, "opset": 17, "half": False, "postprocess": True, "verbose": False,
              "project": "", "name": "", "save_dir": None, "output": target, "exist_ok": True, **arguments}
    known = exporter.export.__code__.co_varnames[:exporter.export.__code__.co_argcount]
    exporter.export(**{key: value for key, value in values.items() if key in known})
    return nitid_predictor(target, classes, arguments)


def nitid_predictor(target, classes, arguments):
    """Their predictor runs a network of torch: here the exported file, of whose finished rows it gets the boxes in the image's pixels."""
    import numpy as np
    import onnxruntime
    import torch
    from dfine.nn.postprocessor import DFINEPostProcessor
    from dfine.predictor import DFINEPredictor
    session = onnxruntime.InferenceSession(str(target))

    class Network(torch.nn.Module):
        _deployed = True

        def forward(self, tensor):
            return [torch.from_numpy(part) for part in session.run(None, {"images": tensor.numpy()})]

    configuration = {"task": "segment", "num_classes": classes, "DFINETransformer": {"num_queries": 300}}
    predictor = DFINEPredictor(Network(), configuration, "cpu", {c: str(c) for c in range(classes)})
    own = DFINEPostProcessor(num_classes=classes).eval()

    def decode(parts, size):
        if not arguments.get("postprocess", True):
            return own(dict(zip(("pred_logits", "pred_boxes", "pred_masks"), parts)), size)
        labels, boxes, scores, masks = (part[0] for part in parts)
        return [{"labels": labels, "boxes": boxes * (size / SIDE).repeat(1, 2), "scores": scores, "masks": masks}]
    predictor._postprocessor = decode

    def predict(picture):
        found = predictor.run(picture, LEAST, 0.5, SIDE, None, False, 1, False, False, "", "", None, True, False)[0]
        return [np.asarray(part) for part in (found.boxes.xyxy, found.boxes.conf, found.boxes.cls, found.masks.data)]
    return predict


def ultralytics(target, network, arguments, classes):
    import numpy as np
    import torch
    import ultralytics
    from ultralytics import YOLO, YOLOE
    export = torch.onnx.export
    # Older versions leave the choice of torch's exporter to torch, whose default was the tracing one.
    torch.onnx.export = lambda *values, **named: export(*values, **{"dynamo": False, **named})
    free = network.endswith("-pf")
    # The scale is in the name of the file.
    model = YOLOE(f"{network.removesuffix('-pf')}.yaml", task="segment")
    head = model.model.model[-1]
    generator = torch.Generator().manual_seed(7)
    for name, module in head.named_modules():
        if isinstance(module, torch.nn.Conv2d) and module.bias is not None and module.kernel_size == (1, 1) and ("cv3" in name or "cv5" in name):
            module.weight.data.normal_(0, 1, generator=generator)
            module.bias.data.normal_(0, 1, generator=generator)
    for module in model.model.modules():
        if type(module).__name__ == "BNContrastiveHead":
            # The similarity of prompt and cell, which the initial weights bring to nothing.
            module.bias.data.fill_(-2)
            module.logit_scale.data.fill_(1.5)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.weight.data.uniform_(0.5, 2, generator=generator)
    embeddings = torch.randn(1, classes, 512, generator=generator)
    embeddings /= embeddings.norm(dim=-1, keepdim=True)
    names = [f"thing {c}" for c in range(classes)]
    if free:
        # What the prompt-free checkpoints are: a vocabulary in place of the prompts.
        model.model.eval()
        model.model.set_vocab(*vocabulary(model.model, names, generator))
    else:
        model.model.set_classes(names, embeddings)
        model.predictor = None
    size = arguments.get("imgsz", SIDE)
    made = model.export(format="onnx", device="cpu", verbose=False, **{"imgsz": size, **arguments})
    os.replace(made, target)
    predictor = YOLO(str(target), task="segment")

    def predict(picture):
        found = predictor.predict(picture, conf=LEAST, iou=0.7, imgsz=size, retina_masks=True, max_det=300, verbose=False, device="cpu")[0]
        masks = [] if found.masks is None else found.masks.data
        return [np.asarray(part) for part in (found.boxes.xyxy, found.boxes.conf, found.boxes.cls, masks)]
    return predict


def vocabulary(model, names, generator):
    """Convolutions of random weights in the form of a vocabulary, and its names."""
    import torch
    head = model.model[-1]
    layers = torch.nn.ModuleList()
    for block in head.cv3:
        last = block[-1]
        layer = torch.nn.Conv2d(last.in_channels, len(names), 1)
        layer.weight.data.normal_(0, 0.3, generator=generator)
        layer.bias.data.normal_(-6, 1, generator=generator)
        layers.append(layer)
    return layers, names


def work(folder, row):
    """Runs with one version of a tool: makes the model, and writes what its own predictor answers."""
    import cv2
    import numpy as np
    import torch
    from pycocotools import mask as runs
    torch.set_num_threads(1)
    torch.manual_seed(row)
    tool, _, network, arguments, classes = ROWS[row]
    target = folder / "models/export/1/model.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    predict = globals()[tool.replace("-", "_")](target, network, arguments, classes)
    import onnxruntime
    session = onnxruntime.InferenceSession(str(target))
    print(*[(i.name, i.type, i.shape) for i in session.get_inputs() + session.get_outputs()], session.get_modelmeta().custom_metadata_map, sep="\n")
    # Python's or JSON's notation of a dictionary, or nothing.
    names = ast.literal_eval(session.get_modelmeta().custom_metadata_map.get("names", "{}"))
    (folder / "names.json").write_text(json.dumps({str(key): value for key, value in names.items()}))
    answers = []
    for k in range(3):
        picture = str(folder.parent / "images" / f"{k}.png")
        height, width = cv2.imread(picture).shape[:2]
        boxes, scores, labels, masks = predict(picture)
        print(k, len(boxes), scores[:5], np.bincount(labels.astype(int))[:10], np.asarray(masks).mean() if len(masks) else "no masks")
        for box, score, label, mask in zip(boxes.tolist(), scores.tolist(), labels.tolist(), masks):
            if label >= classes:
                continue  # RF-DETR's slot for "no object", which LibreYOLO answers too
            counts = runs.encode(np.asfortranarray(mask.astype(np.uint8)))
            box = [min(max(v, 0), limit) for v, limit in zip(box, (width, height) * 2)]
            answers.append({"image": k, "box": box, "score": score, "class": int(label), "mask": {"size": counts["size"], "counts": counts["counts"].decode()}})
    (folder / "theirs.json").write_text(json.dumps(answers))


def ours(folder, program, classes):
    """What our program answers, as `evaluate` saves it."""
    from PIL import Image
    pictures = folder.parent / "images"
    sizes = [Image.open(pictures / f"{k}.png").size for k in range(3)]
    entries = [{"id": k, "file_name": f"{k}.png", "width": width, "height": height} for k, (width, height) in enumerate(sizes)]
    names = json.loads((folder / "names.json").read_text())
    if not names:
        # Finished rows do not tell how many classes there are.
        (folder / "models/export/1/model.json").write_text(json.dumps({"names": [str(c) for c in range(classes)]}))
    document = {"images": entries, "annotations": [], "categories": [{"id": c, "name": names.get(str(c), str(c))} for c in range(classes)]}
    (folder / "annotations.json").write_text(json.dumps(document))
    saved = folder / "ours.json"
    saved.unlink(missing_ok=True)
    listed = subprocess.run([program, "models", "--models", str(folder / "models")], capture_output=True, text=True)
    run = subprocess.run(
        [program, "evaluate", "--models", str(folder / "models"), "--model", "export/1", "--annotations", str(folder / "annotations.json"), "--images", str(pictures),
         "--score-threshold", str(LEAST), "--iou", "0.7", "--save-detections", str(saved)], capture_output=True, text=True)
    if not saved.exists() or listed.returncode:
        return None, (run.stderr or run.stdout or listed.stdout).strip()[-300:]
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
        if best is None or distance(best) > 2:
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
    for row, (tool, versions, network, arguments, classes) in enumerate(ROWS):
        for version in versions:
            title = f"{tool} {version} | {network} | {' '.join(f'{k}={v}' for k, v in arguments.items()) or '-'} | {classes}"
            if options.only not in title:
                continue
            packages = cache / f"{tool}-{version}"
            if not packages.exists():
                subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages), f"{tool}=={version}"], check=True)
            folder = cache / f"{row:02}-{version}"
            if not (folder / "theirs.json").exists():
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")]), "YOLO_CONFIG_DIR": str(cache / "settings"),
                               "YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true"}
                made = subprocess.run([sys.executable, str(pathlib.Path(__file__).resolve()), str(cache), "--work", folder.name, str(row)], env=environment,
                                      capture_output=True, text=True, cwd=cache)
                folder.mkdir(exist_ok=True)
                (folder / "log").write_text(made.stdout + made.stderr)
                if made.returncode:
                    print(f"{title} | not exported: {(made.stderr.strip().splitlines() or ['no message'])[-1][:160]}", flush=True)
                    continue
            theirs = json.loads((folder / "theirs.json").read_text())
            if not options.program:
                print(f"{title} | exported, {len(theirs)} objects", flush=True)
                continue
            found, note = ours(folder, options.program, classes)
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
