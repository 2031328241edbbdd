"""Makes Tests/TestSupport/Fixtures/odd-annotations.json: annotation files with oddities, and what pycocotools makes of each.

    pip install pycocotools==2.0.11 numpy && python3 scripts/make_odd_annotations.py
    python3 scripts/make_odd_annotations.py --random 500 --seed 7 /tmp/odd.json   # several oddities in each file
    ODD_ANNOTATIONS=/tmp/odd.json swift test --filter OddAnnotation

pycocotools runs in processes of their own: some files crash it, some keep it busy forever. Of those that it refuses, ours are
refused too, with the id of the annotation, except where the only fault is a field that is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import multiprocessing
import multiprocessing.queues
import pathlib
import random
import resource
from collections.abc import Callable
from typing import Any

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Entry = dict[str, Any]
Change = Callable[[Entry, Entry], object]
FileChange = Callable[[Entry], object]

rng = np.random.default_rng(20261126)


def base() -> tuple[Entry, list[Entry]]:
    images: list[Entry] = []
    annotations: list[Entry] = []
    detections: list[Entry] = []
    for image_id in range(1, 7):
        w, h = int(rng.integers(70, 140)), int(rng.integers(70, 140))
        images.append({"id": image_id, "file_name": f"{image_id}.jpg", "width": w, "height": h})
        for _ in range(4):
            x, y = rng.uniform(0, w * 0.6), rng.uniform(0, h * 0.6)
            bw, bh = rng.uniform(14, w - x), rng.uniform(14, h - y)
            angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 12)))
            ring = np.stack([x + bw / 2 + bw / 2 * np.cos(angles), y + bh / 2 + bh / 2 * np.sin(angles)], 1).ravel().round(2)
            rle = masks.merge(masks.frPyObjects([ring.tolist()], h, w))
            if masks.area(rle) < 30:
                continue
            category = int(rng.integers(1, 4))
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, "category_id": category, "iscrowd": 0,
                                "area": float(masks.area(rle)), "bbox": masks.toBbox(rle).tolist(),
                                "segmentation": [ring.tolist()]})
            for _ in range(rng.integers(1, 4)):
                found = masks.merge(masks.frPyObjects([(ring + rng.normal(0, rng.choice([0.5, 2, 6]),
                    len(ring))).clip(0).tolist()], h, w))
                if masks.area(found) == 0:
                    continue
                detections.append({"image": image_id - 1, "category": category - 1, "score": float(round(rng.uniform(0, 1), 2)),
                                   "bbox": masks.toBbox(found).tolist(), "size": [h, w], "counts": found["counts"].decode()})
    categories = [{"id": i, "name": n} for i, n in ((1, "a"), (2, "b"), (3, "c"))]
    return {"images": images, "annotations": annotations, "categories": categories}, detections


def runs(truth: Entry, annotation: Entry) -> Entry:
    """The mask of an annotation as counts of runs."""
    image = truth["images"][annotation["image_id"] - 1]
    mask = masks.decode(masks.merge(masks.frPyObjects(annotation["segmentation"], image["height"], image["width"])))
    counts, last, run = [], 0, 0
    for value in mask.ravel(order="F"):
        if value != last:
            counts.append(run)
            last, run = value, 0
        run += 1
    return {"counts": [*counts, run], "size": [image["height"], image["width"]]}


def compressed(truth: Entry, annotation: Entry) -> Entry:
    image = truth["images"][annotation["image_id"] - 1]
    rle = masks.merge(masks.frPyObjects(annotation["segmentation"], image["height"], image["width"]))
    return {"counts": rle["counts"].decode(), "size": [image["height"], image["width"]]}


def change(name: str, value: Any) -> Change:
    """Sets a field of an annotation; what is called is asked for the value."""
    def act(truth: Entry, annotation: Entry) -> None:
        annotation[name] = value(truth, annotation) if callable(value) else value
    return act


def drop(name: str) -> Change:
    return lambda truth, annotation: annotation.pop(name)


def ring(edit: Callable[[list[Any]], list[Any]]) -> Change:
    def act(truth: Entry, annotation: Entry) -> None:
        annotation["segmentation"] = edit(copy.deepcopy(annotation["segmentation"]))
    return act


def counts(edit: Callable[[Entry], object]) -> Change:
    def act(truth: Entry, annotation: Entry) -> None:
        value = runs(truth, annotation)
        edit(value)
        annotation["segmentation"] = value
    return act


# Of single annotations.
oddities: dict[str, Change] = {
    "iscrowd true": change("iscrowd", True), "iscrowd false": change("iscrowd", False), "iscrowd 1": change("iscrowd", 1),
    "iscrowd 1.0": change("iscrowd", 1.0), "iscrowd 0.5": change("iscrowd", 0.5), "iscrowd 2": change("iscrowd", 2),
    "iscrowd text 0": change("iscrowd", "0"), "iscrowd text 1": change("iscrowd", "1"), "iscrowd text": change("iscrowd", "no"),
    "iscrowd negative": change("iscrowd", -1), "iscrowd large": change("iscrowd", 256), "iscrowd null": change("iscrowd", None),
    "iscrowd list": change("iscrowd", [1]), "iscrowd missing": drop("iscrowd"), "ignore 1": change("ignore", 1),
    "area true": change("area", True), "area text": change("area", "500"), "area null": change("area", None),
    "area nan": change("area", float("nan")), "area infinite": change("area", float("inf")), "area negative": change("area", -5),
    "area zero": change("area", 0), "area large": change("area", 1e30), "area missing": drop("area"),
    "area list": change("area", [5]),
    "bbox missing": drop("bbox"), "bbox short": change("bbox", [1, 2, 3]), "bbox long": change("bbox", [1, 2, 3, 4, 5]),
    "bbox texts": lambda t, a: a.update(bbox=[str(v) for v in a["bbox"]]), "bbox bools": change("bbox", [True, False, 30, 40]),
    "bbox negative": change("bbox", [50, 50, -20, -30]), "bbox large": change("bbox", [0, 0, 1e30, 1e30]),
    "bbox null": change("bbox", None),
    "bbox words": change("bbox", ["a", "b", "c", "d"]), "bbox zero": change("bbox", [3, 3, 0, 0]),
    "bbox object": change("bbox", {"x": 1}),
    "segmentation missing": drop("segmentation"), "segmentation null": change("segmentation", None),
    "segmentation empty": change("segmentation", []), "segmentation of an empty ring": change("segmentation", [[]]),
    "ring of two points": change("segmentation", [[5, 5, 20, 20]]),
    "boxes": change("segmentation", [[5, 5, 20, 20], [30, 30, 9, 9]]),
    "flat ring": change("segmentation", [5, 5, 40, 5, 40, 40]), "points": change("segmentation", [[5, 5], [40, 5], [40, 40]]),
    "five points": change("segmentation", [[5, 5], [40, 5], [40, 40], [9, 40], [1, 1]]),
    "odd number of coordinates": ring(lambda s: [[*s[0], 7.5]]), "a second ring of two points": ring(lambda s: [*s, [1, 1, 9, 9]]),
    "a second empty ring": ring(lambda s: [*s, [3.0, 4.0]]), "texts in a ring": ring(lambda s: [[str(v) for v in s[0]]]),
    "words in a ring": ring(lambda s: [["a", *s[0][1:]]]), "true in a ring": ring(lambda s: [[True, False, *s[0]]]),
    "a closed ring": ring(lambda s: [[*s[0], *s[0][:2]]]), "a ring twice": ring(lambda s: s + s),
    "a ring beyond the image": ring(lambda s: [[v * 3 - 60 for v in s[0]]]),
    "a ring far beyond": change("segmentation", [[-5000, -9000, 8000, 20, 30, 70000]]),
    "a ring at 1e30": change("segmentation", [[0, 0, 1e30, 0, 1e30, 1e30]]),
    "a ring of nan": change("segmentation", [[0, 0, float("nan"), 0, 50, 50]]),
    "a ring of infinity": change("segmentation", [[0, 0, float("inf"), 0, 50, 50]]),
    "a null in a ring": change("segmentation", [[0, 0, None, 0, 50, 50]]),
    "whole numbers": ring(lambda s: [[int(v) for v in s[0]]]), "a ring with a spike": ring(lambda s: [[*s[0], 60, 60, *s[0][-2:]]]),
    "a ring that crosses itself": change("segmentation", [[5, 5, 50, 50, 50, 5, 5, 50]]),
    "counts": change("segmentation", runs), "counts of a crowd": lambda t, a: a.update(segmentation=runs(t, a), iscrowd=1),
    "compressed": change("segmentation", compressed),
    "compressed crowd": lambda t, a: a.update(segmentation=compressed(t, a), iscrowd=True),
    "list of counts": lambda t, a: a.update(segmentation=[runs(t, a)]),
    "counts as floats": counts(lambda r: r.update(counts=[float(v) for v in r["counts"]])),
    "counts with zeros": counts(lambda r: r["counts"].extend([0, 0])),
    "counts with inner zeros": counts(lambda r: r.update(counts=[r["counts"][0], 0, 0, *r["counts"][1:]])),
    "counts negative": counts(lambda r: r["counts"].__setitem__(0, -5)),
    "counts 1e12": counts(lambda r: r["counts"].__setitem__(1, 10**12)),
    "counts too short": counts(lambda r: r["counts"].pop()), "counts too long": counts(lambda r: r["counts"].append(50)),
    "counts empty": counts(lambda r: r["counts"].clear()),
    "counts as texts": counts(lambda r: r.update(counts=[str(v) for v in r["counts"]])),
    "counts of words": counts(lambda r: r.update(counts=["a"])), "counts without size": counts(lambda r: r.pop("size")),
    "size without counts": counts(lambda r: r.pop("counts")), "size 1e12": counts(lambda r: r.update(size=[10**12, 10**12])),
    "size negative": counts(lambda r: r.update(size=[-3, 5])),
    "size of another image": lambda t, a: a.update(segmentation={"counts": [10, 20, 70], "size": [10, 10]}),
    "compressed nonsense": change("segmentation", {"counts": "~~~~", "size": [10, 10]}),
    "compressed too short": change("segmentation", {"counts": "11", "size": [10, 10]}),
    "compressed for another image": change("segmentation", {"counts": "5220003", "size": [4, 5]}),
    "segmentation text": change("segmentation", "a"), "segmentation number": change("segmentation", 5),
    "segmentation true": change("segmentation", True),
    "segmentation object": change("segmentation", {}), "counts number": change("segmentation", {"counts": 5, "size": [4, 5]}),
    "id 0": change("id", 0), "id false": change("id", False), "id fraction": change("id", 7.5),
    "id negative": change("id", -3), "id large": change("id", 2**60 + 1),
    "id missing": drop("id"), "image_id missing": drop("image_id"), "category_id missing": drop("category_id"),
    "id null": change("id", None),
    "image not listed": change("image_id", 99), "category not listed": change("category_id", 99),
    "image_id null": change("image_id", None),
    "image_id as float": lambda t, a: a.update(image_id=float(a["image_id"])),
    "category_id as float": lambda t, a: a.update(category_id=float(a["category_id"])),
    "category_id true": change("category_id", True), "image_id text": lambda t, a: a.update(image_id=str(a["image_id"])),
    "id of the one before": lambda t, a: a.update(id=t["annotations"][2]["id"]), "id of the first": lambda t, a: a.update(id=1.0),
    "an unknown field": change("attributes", {"occluded": False, "list": [None, [1, "x"]]}),
}
# Fields whose absence ours makes up for; alone they are no reason to refuse.
lenient = {"iscrowd null", "iscrowd missing", "area null", "area missing", "bbox missing", "bbox null", "segmentation missing",
           "segmentation null",
           "segmentation empty", "id null"}


def renumber(kind: str, to: Callable[[Any], object]) -> FileChange:
    def act(truth: Entry) -> None:
        key = "image_id" if kind == "images" else "category_id"
        for entry in truth[kind]:
            entry["id"] = to(entry["id"])
        for annotation in truth["annotations"]:
            annotation[key] = to(annotation[key])
    return act


def shuffle(truth: Entry) -> None:
    for entries in truth.values():
        random.Random(4).shuffle(entries)


# Of whole files.
files: dict[str, FileChange] = {
    "nothing odd": lambda t: None, "no annotations": lambda t: t.pop("annotations"),
    "annotations empty": lambda t: t["annotations"].clear(),
    "image ids as texts": renumber("images", str), "image ids as floats": renumber("images", float),
    "image ids as fractions": renumber("images", lambda i: i + 0.5),
    "image ids reversed": renumber("images", lambda i: 100 - i), "image ids large": renumber("images", lambda i: 2**53 + i),
    "image ids from 0": renumber("images", lambda i: i - 1),
    "category ids as texts": renumber("categories", lambda i: "xyz"[i - 1]),
    "category ids as floats": renumber("categories", float), "category ids with gaps": renumber("categories", lambda i: 7 * i),
    "an image twice": lambda t: t["images"].append(dict(t["images"][0])),
    "a category twice": lambda t: t["categories"].append(dict(t["categories"][0])),
    "a category without name": lambda t: t["categories"][0].pop("name"),
    "a category without objects": lambda t: t["categories"].append({"id": 9, "name": "x"}),
    "equal names": lambda t: t["categories"][1].update(name="a"), "the first category not listed": lambda t: t["categories"].pop(0),
    "an image less": lambda t: t["images"].pop(), "shuffled": shuffle,
    "annotations in reverse": lambda t: t["annotations"].reverse(),
    "annotation ids from 0": lambda t: [a.update(id=i) for i, a in enumerate(t["annotations"])],
    "annotation ids all equal": lambda t: [a.update(id=5) for a in t["annotations"]],
    "annotation ids as texts": lambda t: [a.update(id=str(100 + a["id"])) for a in t["annotations"]],
    "other members": lambda t: t.update(info={"a": [1, {"b": None}]}, licenses=[]),
    "all crowds": lambda t: [a.update(iscrowd=True) for a in t["annotations"]],
}


def measure(text: str, detections: list[Entry], images: list[Any], categories: list[Any],
            queue: multiprocessing.queues.Queue[tuple[str, list[float] | None]]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    result = {}
    for kind in ("segm", "bbox"):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                truth = json.loads(text)
                coco = COCO()
                coco.dataset = truth
                assert type(truth) is dict
                coco.createIndex()
                known, listed = set(coco.getImgIds()), set(coco.getCatIds())
                found = [{"image_id": images[d["image"]], "category_id": categories[d["category"]], "score": d["score"],
                          "bbox": d["bbox"],
                          "segmentation": {"size": d["size"], "counts": d["counts"]}} for d in detections]
                found = [d for d in found if d["image_id"] in known and d["category_id"] in listed]
                if kind == "bbox":
                    for each in found:
                        del each["segmentation"]
                evaluation = COCOeval(coco, coco.loadRes(found), kind)
                evaluation.evaluate()
                evaluation.accumulate()
                evaluation.summarize()
                result[kind] = evaluation.stats.tolist()
        except Exception:  # noqa: BLE001 (whatever pycocotools raises is a refusal)
            result[kind] = None
        queue.put((kind, result[kind]))


def judged(text: str, detections: list[Entry], images: list[Any], categories: list[Any]) -> dict[str, list[float] | None]:
    queue: multiprocessing.queues.Queue[tuple[str, list[float] | None]] = multiprocessing.Queue()
    process = multiprocessing.Process(target=measure, args=(text, detections, images, categories, queue))
    process.start()
    results: dict[str, list[float] | None] = {"segm": None, "bbox": None}
    for _ in range(2):
        try:
            kind, values = queue.get(timeout=8)
        except Exception:  # noqa: BLE001 (nothing came in time, or half of it: the process crashed or is busy)
            break
        results[kind] = values
    process.kill()
    process.join()
    return results


def difference(text: str, whole: str) -> tuple[int, str, int]:
    """A text as what it has in common with another one at both ends, and what is between."""
    limit = min(len(text), len(whole))
    start = next((i for i in range(limit) if text[i] != whole[i]), limit)
    end = next((i for i in range(limit - start) if text[-1 - i] != whole[-1 - i]), limit - start)
    return start, text[start : len(text) - end], end


def case(name: str, truth: Entry, detections: list[Entry], whole: str, culprit: object = None, is_lenient: bool = False) -> Entry:
    text = json.dumps(truth)
    images, categories = ids(truth, "images", "image", detections), ids(truth, "categories", "category", detections)
    results = judged(text, detections, images, categories)
    start, middle, end = difference(text, whole)
    assert whole[:start] + middle + whole[len(whole) - end :] == text
    return {"name": name, "start": start, "middle": middle, "end": end, "images": images, "categories": categories,
            "culprit": culprit, "lenient": is_lenient, **results}


def ids(truth: Entry, kind: str, key: str, detections: list[Entry]) -> list[Any]:
    """The ids that the numbers of detections stand for."""
    if kind == "images":
        by_name = {entry["file_name"]: entry["id"] for entry in truth[kind]}
        return [by_name.get(f"{i + 1}.jpg", i + 1) for i in range(6)]
    by_name = {}
    for entry in truth[kind]:
        by_name.setdefault(entry.get("name"), entry["id"])
    names = ["a", "b", "c"]
    if len({e.get("name") for e in truth[kind]}) == len(truth[kind]) and all("name" in e for e in truth[kind]):
        return [by_name.get(n, i + 1) for i, n in enumerate(names)]
    return [1, 2, 3]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("output", nargs="?",
                        default=pathlib.Path(__file__).parent.parent / "Tests" / "TestSupport" / "Fixtures"
                        / "odd-annotations.json")
    options = parser.parse_args()
    truth, detections = base()
    whole = json.dumps(truth)
    cases = []
    if options.random:
        choose = random.Random(options.seed)
        for _ in range(options.random):
            odd = copy.deepcopy(truth)
            names = choose.sample(sorted(oddities), choose.randint(1, 4))
            places = choose.sample(range(3, len(odd["annotations"])), len(names))
            for name, place in zip(names, places):
                oddities[name](odd, odd["annotations"][place])
            if choose.random() < 0.4:
                name = choose.choice(sorted(files))
                with contextlib.suppress(Exception):
                    files[name](odd)
                    names.append(name)
            cases.append(case(" + ".join(names), odd, detections, whole, is_lenient=any(name in lenient for name in names)))
    else:
        for name, alter in files.items():
            odd = copy.deepcopy(truth)
            alter(odd)
            cases.append(case(name, odd, detections, whole, is_lenient=name in ("annotation ids as texts", "a category twice")))
        for name, act in oddities.items():
            for place in (4, 11):
                odd = copy.deepcopy(truth)
                annotation = odd["annotations"][place]
                act(odd, annotation)
                cases.append(case(name, odd, detections, whole, culprit=annotation.get("id"), is_lenient=name in lenient))
    pathlib.Path(options.output).write_text(json.dumps({"text": whole, "detections": detections, "cases": cases}))
    refused = [each["name"] for each in cases if each["segm"] is None and each["bbox"] is None]
    print(f"{len(cases)} files, {len(detections)} detections; pycocotools refuses {len(refused)}: {sorted(set(refused))}")


if __name__ == "__main__":
    main()
