"""Reads every export format back with the tool that owns it, and compares with the masks that the server gives as run lengths."""

import io
import json
import os
import statistics
import sys
import tempfile
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
import shapely
import supervision
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from shapely.geometry import shape

server, key, model, confidence, pictures = (os.environ[name] for name in ("SERVER", "KEY", "MODEL", "CONFIDENCE", "PICTURES"))
worst = {}


def ask(picture, **more):
    query = urllib.parse.urlencode({"api_key": key, "confidence": confidence, "name": "a picture.jpg", **more})
    request = urllib.request.Request(f"{server}/{model}?{query}", data=open(picture, "rb").read(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return answer.headers["Content-Type"], answer.read()


def iou(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def compare(name, found, mask, exact):
    value = iou(found, mask)
    large = mask.sum() > 32 * 32
    if large:
        worst.setdefault(name, []).append(value)
    if value < (1 if exact else 0.995) and (large or exact):
        sys.exit(f"{name}: IoU {value} of an object with {mask.sum()} pixels")


def ring_mask(rings, height, width):
    """The pixels whose centres are inside an odd number of rings."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    inside = np.zeros((height, width), bool)
    for ring in rings:
        inside ^= shapely.contains_xy(shapely.Polygon(ring), x, y)
    return inside


def read_by_supervision(picture, coco, yolo, masks, classes):
    """The same objects in a COCO and in a YOLO dataset, as supervision makes them of the files."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/images")
        os.makedirs(f"{folder}/labels")
        document = json.load(open(coco))
        name = document["images"][0]["file_name"]
        Image.open(picture).convert("RGB").save(f"{folder}/images/{name}")
        with open(f"{folder}/labels/{os.path.splitext(name)[0]}.txt", "wb") as file:
            file.write(yolo)
        name_of = {int(line.split()[0]): each for line, each in zip(yolo.decode().splitlines(), classes, strict=True)}
        names = [name_of.get(number, f"class {number}") for number in range(max(name_of, default=0) + 1)]
        with open(f"{folder}/data.yaml", "w") as file:
            json.dump({"names": names, "nc": len(names)}, file)
        sets = {
            "supervision coco": supervision.DetectionDataset.from_coco(f"{folder}/images", coco, force_masks=True),
            "supervision yolo": supervision.DetectionDataset.from_yolo(
                f"{folder}/images", f"{folder}/labels", f"{folder}/data.yaml", force_masks=True)}
        for kind, dataset in sets.items():
            (_, _, found), = list(dataset)
            assert [dataset.classes[number] for number in found.class_id] == classes, kind
            for each, mask in zip(found.mask if len(found) else [], masks, strict=True):
                # supervision fills polygons with their corners, up to a pixel beyond the edges, and YOLO has one ring.
                whole = np.ascontiguousarray(mask, np.uint8)
                if cv2.connectedComponents(whole, connectivity=8)[0] != 2:
                    continue
                if kind == "supervision yolo":
                    cv2.drawContours(whole, cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, 1, cv2.FILLED)
                pixel = np.ones((3, 3), np.uint8)
                assert not (each & (cv2.dilate(whole, pixel) == 0)).any() and not ((cv2.erode(whole, pixel) == 1) & ~each).any(), kind


objects = 0
for picture in pictures.split(","):
    kind, body = ask(picture, response_mask_format="rle")
    answer = json.loads(body)
    width, height = answer["image"]["width"], answer["image"]["height"]
    masks = [coco_mask.decode(each["rle"]).astype(bool) for each in answer["predictions"]]
    objects += len(masks)

    # The wire's ring, filled as OpenCV fills it, is the largest part without its holes.
    points = json.loads(ask(picture)[1])["predictions"]
    for each, mask in zip(points, masks):
        canvas = np.zeros((height, width), np.uint8)
        cv2.fillPoly(canvas, [np.array([[p["x"], p["y"]] for p in each["points"]], np.int32)], 1)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        largest = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
        contours, _ = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = np.zeros((height, width), np.uint8)
        cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
        if len(each["points"]) > 4 or mask.sum() > 16:
            compare("wire", canvas.astype(bool), filled.astype(bool), exact=True)

    kind, body = ask(picture, format="coco")
    assert kind == "application/json", kind
    with open("coco.json", "wb") as file:
        file.write(body)
    coco = COCO("coco.json")
    found = coco.loadAnns(coco.getAnnIds())
    assert [coco.cats[each["category_id"]]["name"] for each in found] == [each["class"] for each in answer["predictions"]]
    for each, mask in zip(found, masks, strict=True):
        compare("coco", coco.annToMask(each).astype(bool), mask, exact=False)
        assert each["area"] == mask.sum()

    kind, body = ask(picture, format="geojson")
    assert kind == "application/geo+json", kind
    for feature, mask in zip(json.loads(body)["features"], masks, strict=True):
        geometry = shape(feature["geometry"])
        assert geometry.is_valid, shapely.is_valid_reason(geometry)
        assert geometry.area == mask.sum(), (geometry.area, mask.sum())
        y, x = np.mgrid[0:height, 0:width] + 0.5
        compare("geojson", shapely.contains_xy(geometry, x, y), mask, exact=True)
    for tolerance in ("1", "3"):
        simple = json.loads(ask(picture, format="geojson", simplify=tolerance)[1])["features"]
        for feature, whole in zip(simple, json.loads(body)["features"], strict=True):
            distance = shape(whole["geometry"]).boundary.hausdorff_distance(shape(feature["geometry"]).boundary)
            assert distance <= float(tolerance) + 1e-6, distance
            assert shape(feature["geometry"]).is_valid
        for each in json.loads(ask(picture, simplify=tolerance)[1])["predictions"]:
            assert shapely.Polygon([(p["x"], p["y"]) for p in each["points"]]).is_valid

    kind, body = ask(picture, format="cvat")
    image = ElementTree.fromstring(body).find("image")
    assert image.get("name") == "a picture.jpg" and image.get("width") == str(width)
    labels = {label.find("name").text for label in ElementTree.fromstring(body).find("meta").iter("label")}
    assert labels >= {element.get("label") for element in image}
    for element, mask in zip(image, masks, strict=True):
        if element.tag == "polygon":
            ring = [tuple(map(float, pair.split(","))) for pair in element.get("points").split(";")]
            compare("cvat", ring_mask([ring], height, width), mask, exact=True)
        else:
            runs = [int(run) for run in element.get("rle").split(",")]
            left, top, w, h = (int(element.get(name)) for name in ("left", "top", "width", "height"))
            flat = np.concatenate([np.full(run, i % 2 == 1) for i, run in enumerate(runs)])
            assert len(flat) == w * h
            whole = np.zeros((height, width), bool)
            whole[top : top + h, left : left + w] = flat.reshape(h, w)
            compare("cvat", whole, mask, exact=True)

    kind, body = ask(picture, format="labelme")
    document = json.loads(body)
    assert document["imagePath"] == "a picture.jpg" and document["imageHeight"] == height and document["imageData"] is None
    for each in document["shapes"]:
        assert len(each["points"]) >= 3 if each["shape_type"] == "polygon" else each["shape_type"] == "mask" and len(each["points"]) == 2
    assert {each["label"] for each in document["shapes"]} == {each["class"] for each in answer["predictions"]}

    kind, body = ask(picture, format="yolo")
    lines = body.decode().splitlines()
    assert len(lines) == len(masks)
    geometries = [shape(feature["geometry"]) for feature in json.loads(ask(picture, format="geojson")[1])["features"]]
    for line, prediction, geometry in zip(lines, answer["predictions"], geometries):
        number, *values = line.split()
        assert int(number) == prediction["class_id"] and all(0 <= float(value) <= 1 for value in values) and len(values) >= 6
        ring = [(float(x) * width, float(y) * height) for x, y in zip(values[::2], values[1::2])]
        largest = max(getattr(geometry, "geoms", [geometry]), key=lambda part: shapely.Polygon(part.exterior).area)
        assert shapely.Polygon(ring).buffer(0).symmetric_difference(shapely.Polygon(largest.exterior)).area <= 0.01 * largest.area + 1

    read_by_supervision(picture, coco="coco.json", yolo=body, masks=masks, classes=[each["class"] for each in answer["predictions"]])

    kind, body = ask(picture, format="mask")
    numbers = np.asarray(Image.open(io.BytesIO(body)))
    expected = np.zeros((height, width), int)
    for index, mask in reversed(list(enumerate(masks))):
        expected[mask] = index + 1
    assert kind == "image/png" and (numbers == expected).all()

    kind, body = ask(picture, format="cutout")
    alpha = np.asarray(Image.open(io.BytesIO(body)))[:, :, 3]
    assert (alpha == 255 * np.logical_or.reduce([*masks, np.zeros((height, width), bool)])).all()

for name, values in worst.items():
    print(f"fidelity {name}: {len(values)} objects over 32x32 px, worst IoU {min(values):.5f}, median {statistics.median(values):.5f}")
print(f"{objects} objects")
print("all passed")
