"""Reads every file of `silhouette predict --export` back with the tool that owns its format, and compares the pixels.

    pip install pycocotools supervision shapely labelme datumaro ultralytics pillow
    python3 scripts/read_exports.py .build/release/silhouette IMAGES... [--model NAME] [--models DIR]

A tool that is not installed is skipped and named. The images are copied under names with quotes, line breaks, dashes and other
characters, two of them with one stem, and in two folders.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

Masks = dict[str, list[np.ndarray]]
Classes = dict[str, list[str]]

names = ["plain.jpg", "-dash.jpg", "quo'te \"x\".jpg", "line\nbreak.jpg", "ümläut & <b>.jpg", "sub/plain.jpg", "sub/日本.jpg",
         "sub/same.jpg", "sub/same.png",
         "per%cent #1.jpg", "..dots...jpg", "semi;colon, comma.jpg"]
tolerances = [0.1, 0.3, 0.5, 1, 2, 5, 15, 30, 100]
results: dict[str, list[float]] = {}
skipped: list[str] = []


def tool(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        skipped.append(name)
        return None


def note(what: str, value: float) -> None:
    results.setdefault(what, []).append(value)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / max((a | b).sum(), 1)


def compare(what: str, found: Sequence[np.ndarray], expected: Sequence[np.ndarray], least: float) -> None:
    assert len(found) == len(expected), (what, len(found), len(expected))
    for a, b in zip(found, expected):
        value = iou(a, b)
        # One-pixel borders weigh much in small objects.
        if b.sum() > 32 * 32:
            note(what, value)
            assert value >= least, (what, value, b.sum())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--model", default="tabletop/1")
    parser.add_argument("--models", default="models")
    parser.add_argument("--confidence", default="25")
    options = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="read-exports-"))
    try:
        check(options, root)
    finally:
        shutil.rmtree(root)
    for what, values in results.items():
        print(f"{what}: {len(values)} objects, least {min(values):.4f}, mean {sum(values) / len(values):.4f}")
    if skipped:
        print(f"skipped, because not installed: {', '.join(sorted(set(skipped)))}")
    print("all passed")


def check(options: argparse.Namespace, root: pathlib.Path) -> None:
    images = root / "images"
    for number, name in enumerate(names):
        path = images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        source = options.images[number % len(options.images)]
        if (name.endswith(".jpg") and not source.lower().endswith((".jpg", ".jpeg"))) or name.endswith(".png"):
            ImageOps.exif_transpose(Image.open(source)).convert("RGB").save(path)
        else:
            shutil.copy(source, path)

    def predict(*arguments: str) -> str:
        command = [options.program, "predict", "--models", options.models, "--model", options.model, "--confidence",
                   options.confidence, *arguments]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout

    paths = [str(images / name) for name in names]
    predict("--export", "yolo", "--output", str(root / "labels"), "--", *paths)
    predict("--export", "coco", "--export", "cvat", "--output", str(root), "--", *paths)
    predict("--export", "geojson", "--export", "labelme", "--export", "mask", "--export", "cutout", "--output",
            str(root / "other"), "--", *paths)
    stems = {name: str(pathlib.Path(name).with_suffix("")) if "same" not in name else name for name in names}
    sizes = {name: ImageOps.exif_transpose(Image.open(images / name)).size for name in names}

    shapely = tool("shapely")
    if not shapely:
        sys.exit("shapely is needed")
    truth, classes = {}, {}
    for name in names:
        features = json.loads((root / "other" / f"{stems[name]}.geojson").read_text())["features"]
        w, h = sizes[name]
        y, x = np.mgrid[0:h, 0:w] + 0.5
        geometries = [shapely.geometry.shape(feature["geometry"]) for feature in features]
        assert all(geometry.is_valid for geometry in geometries)
        truth[name] = [shapely.contains_xy(geometry, x, y) for geometry in geometries]
        classes[name] = [feature["properties"]["class"] for feature in features]
        assert [mask.sum() for mask in truth[name]] == [geometry.area for geometry in geometries]
    print(f"{len(names)} images, {sum(map(len, truth.values()))} objects")

    read_coco(root, truth, classes)
    read_supervision(root, images, truth)
    read_ultralytics(root, truth, classes)
    read_labelme(root, stems, truth, classes)
    read_cvat(root, truth, classes)
    for name in names:
        numbers = np.asarray(Image.open(root / "other" / f"{stems[name]}-mask.png")).astype(int)
        expected = np.zeros_like(numbers)
        for index, mask in reversed(list(enumerate(truth[name]))):
            expected[mask] = index + 1
        assert (numbers == expected).all()
        for index, (mask, label) in enumerate(zip(truth[name], classes[name])):
            text = "".join(c for c in label if c.isalnum())
            cutout = np.asarray(Image.open(root / "other" / f"{stems[name]}-{index + 1}-{text}.png"))
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            assert (cutout[..., 3] == 255 * mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).all()
    check_simplified(predict, root, images, stems, shapely)


def read_coco(root: pathlib.Path, truth: Masks, classes: Classes) -> None:
    pycocotools = tool("pycocotools.coco")
    if not pycocotools:
        return
    coco = pycocotools.COCO(str(root / "coco.json"))
    assert sorted(image["file_name"] for image in coco.imgs.values()) == sorted(names)
    for number, image in coco.imgs.items():
        found = coco.loadAnns(coco.getAnnIds(imgIds=[number]))
        compare("pycocotools, COCO", [coco.annToMask(each).astype(bool) for each in found], truth[image["file_name"]], 0.995)
        assert [coco.cats[each["category_id"]]["name"] for each in found] == classes[image["file_name"]]
        assert [each["area"] for each in found] == [mask.sum() for mask in truth[image["file_name"]]]


def read_supervision(root: pathlib.Path, images: pathlib.Path, truth: Masks) -> None:
    supervision = tool("supervision")
    if not supervision:
        return
    dataset = supervision.DetectionDataset.from_coco(str(images), str(root / "coco.json"), force_masks=True)
    for path, _, found in dataset:
        name = os.path.relpath(path, images)
        # It fills polygons with their corners, up to a pixel beyond the edges.
        compare("supervision, COCO", list(found.mask) if len(found) else [], truth[name], 0.85)
    # It looks for labels by stems in one folder.
    flat = root / "flat"
    flat.mkdir()
    for name in names:
        if "/" not in name and (root / "labels" / name).with_suffix(".txt").exists():
            shutil.copy(images / name, flat / name)
    dataset = supervision.DetectionDataset.from_yolo(str(flat), str(root / "labels"), str(root / "labels" / "data.yaml"),
                                                     force_masks=True)
    for path, _, found in dataset:
        note("supervision, YOLO", 1)
        assert len(found) == len(truth[os.path.relpath(path, flat)])


def read_ultralytics(root: pathlib.Path, truth: Masks, classes: Classes) -> None:
    if not tool("ultralytics"):
        return
    from ultralytics.data.utils import check_det_dataset, img2label_paths, polygon2mask, verify_image_label

    data = check_det_dataset(str(root / "labels" / "data.yaml"), autodownload=False)
    assert pathlib.Path(data["train"]) == (root / "images").resolve()
    for name in names:
        if "same" in name:
            continue  # one stem in one folder: Ultralytics cannot tell them apart either
        path = str((root / "images" / name).resolve())
        label, = img2label_paths([path])
        checked = verify_image_label((path, label, "", False, data["nc"], 0, 0, False))
        _, rows, _, segments, _, _, found, _, corrupt, message = checked
        assert found == 1 and corrupt == 0 and not message, (name, message)
        assert [data["names"][int(row[0])] for row in rows] == classes[name]
        h, w = truth[name][0].shape if truth[name] else (1, 1)
        for segment, mask in zip(segments, truth[name]):
            drawn = polygon2mask((h, w), [(segment * [w, h]).reshape(-1)]).astype(bool)
            if mask.sum() > 32 * 32:
                note("Ultralytics, YOLO (largest part)", iou(drawn, mask))


def read_labelme(root: pathlib.Path, stems: dict[str, str], truth: Masks, classes: Classes) -> None:
    labelme = tool("labelme._label_file") or tool("labelme.label_file")
    if not labelme:
        return
    from labelme.utils import shapes_to_label

    for name in names:
        # Opened from elsewhere, as with a file dialog.
        data = labelme.read_label_file(str(root / "other" / f"{stems[name]}.json"))
        shape = truth[name][0].shape if truth[name] else (1, 1)
        values = {label: index + 1 for index, label in enumerate(sorted(set(classes[name])))}
        parts: list[tuple[str, np.ndarray]] = []
        groups: dict[int, tuple[str, np.ndarray]] = {}
        for each in data.shapes:
            mask = shapes_to_label(shape, [each], values)[0] > 0
            if each["group_id"] is None:
                parts.append((each["label"], mask))
            elif each["group_id"] in groups:
                groups[each["group_id"]][1][...] |= mask
            else:
                groups[each["group_id"]] = (each["label"], mask)
                parts.append(groups[each["group_id"]])
        assert [label for label, _ in parts] == classes[name]
        # Its polygons are drawn up to a pixel beyond their edges.
        compare("LabelMe", [mask for _, mask in parts], truth[name], 0.9)
        assert os.path.samefile(root / "other" / pathlib.Path(stems[name]).parent / data.image_path, root / "images" / name)


def read_cvat(root: pathlib.Path, truth: Masks, classes: Classes) -> None:
    if not tool("datumaro"):
        return
    from datumaro.components.annotation import Mask, Polygon
    from datumaro.plugins.data_formats.cvat.base import CvatBase
    from PIL import ImageDraw

    dataset = CvatBase(str(root / "cvat.xml"))
    labels = dataset.categories()[next(iter(dataset.categories()))]
    items = {item.attributes["frame"]: item for item in dataset}
    assert len(items) == len(names)
    for frame, name in enumerate(names):
        found = []
        for each in items[frame].annotations:
            if isinstance(each, Mask):
                found.append(np.asarray(each.image).astype(bool))
            else:
                assert isinstance(each, Polygon)
                ring = np.array(each.points).reshape(-1, 2)
                canvas = Image.new("1", truth[name][0].shape[::-1])
                ImageDraw.Draw(canvas).polygon([tuple(point) for point in ring], fill=1)
                found.append(np.asarray(canvas))
            assert 0 <= each.attributes["confidence"] <= 1
        assert [labels.items[each.label].name for each in items[frame].annotations] == classes[name]
        compare("datumaro, CVAT", found, truth[name], 0.9)


def check_simplified(predict: Callable[..., str], root: pathlib.Path, images: pathlib.Path, stems: dict[str, str],
                     shapely: Any) -> None:
    rings = 0
    whole = {name: json.loads((root / "other" / f"{stems[name]}.geojson").read_text())["features"] for name in names}
    paths = [str(images / name) for name in names]
    for number, tolerance in enumerate(tolerances):
        folder = root / f"simple-{number}"
        answers = predict("--simplify", str(tolerance), "--export", "geojson", "--json", "--output", str(folder), "--", *paths)
        for line in answers.splitlines():
            for prediction in json.loads(line)["predictions"]:
                ring = shapely.Polygon([(point["x"], point["y"]) for point in prediction["points"]])
                assert ring.is_valid, (tolerance, shapely.is_valid_reason(ring))
                rings += 1
        for name in names:
            features = json.loads((folder / f"{stems[name]}.geojson").read_text())["features"]
            for feature, before in zip(features, whole[name], strict=True):
                geometry = shapely.geometry.shape(feature["geometry"])
                assert geometry.is_valid, (tolerance, shapely.is_valid_reason(geometry))
                distance = shapely.geometry.shape(before["geometry"]).boundary.hausdorff_distance(geometry.boundary)
                assert distance <= tolerance + 1e-6, (tolerance, distance)
                rings += 1
    print(f"{rings} simplified outlines and geometries at tolerances of {tolerances[0]} to {tolerances[-1]} pixels, all valid")


main()
