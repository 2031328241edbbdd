"""Exports networks with random weights by the families' own exporters, and compares our answers with the families' own
predictors.

    python scripts/exports.py CACHE [PROGRAM] [--family NAME] [--only TEXT] [--again]

CACHE keeps the exporters (one folder of packages for each version, installed by pip from wheels and mostly without their
dependencies), the models and the answers; PROGRAM is the silhouette program, without which models are only made. The Python that
runs this needs torch and torchvision of one build, onnx, onnxruntime, onnxslim, onnxsim, onnxscript, onnxconverter-common,
onnx_graphsurgeon, polygraphy, transformers, peft, pyDeprecate, rf100vl, roboflow, albumentations, supervision, opencv, pandas,
seaborn, hydra-core, loguru, scipy, tabulate, gitpython and pycocotools. Not run in CI: a row takes from half a minute to two. The
families are the modules of `exporters`; the rows that were run are in docs/models.md.

An answer counts as the same if it has the same objects: class equal, corners within 0.5 px, scores within 1e-3, masks with an IoU
of at least 0.99 (`exporters/common.py`, `compare`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys
from types import ModuleType
from typing import Any

from exporters import common

FAMILIES = (
    "ultralytics",
    "yoloe",
    "yolov5",
    "yolov9",
    "rfdetr",
    "torchvision",
    "transformers",
    "libreyolo",
    "dfine_seg",
    "nitid",
    "conversions",
)


def work(cache: pathlib.Path, family: str, version: str, index: int) -> None:
    """Runs with one version of the exporter: makes the model, and writes what its own predictor answers."""
    import torch

    torch.set_num_threads(1)
    module = importlib.import_module(f"exporters.{family}")
    row = module.ROWS[index]
    folder = place(cache, family, version, row)
    common.model_file(folder).parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(row.seed)
    answers = module.make(row, folder, common.pictures(cache, row))
    (folder / "theirs.json").write_text(json.dumps(answers))


def place(cache: pathlib.Path, family: str, version: str, row: common.Row) -> pathlib.Path:
    return cache / f"{family}-{version}" / row.slug


def ours(
    folder: pathlib.Path, program: str, row: common.Row, *, square: bool, saved_before: bool
) -> tuple[list[common.Answer] | None, str]:
    """What our program answers, as `evaluate` saves it, and what `models` says of the model.
    Returns None and the reason where it answers nothing."""
    from PIL import Image

    saved, note, names = folder / "ours.json", folder / "family.txt", folder / "names.json"
    if saved_before and saved.exists() and note.exists():
        return json.loads(saved.read_text()), note.read_text()
    pictures = folder.parents[1] / row.pictures
    sizes = [Image.open(pictures / f"{k}.png").size for k in range(3)]
    named = json.loads(names.read_text()) if names.exists() else common.names(row.classes)
    document = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": w, "height": h} for k, (w, h) in enumerate(sizes)],
        "annotations": [],
        "categories": [{"id": k, "name": name} for k, name in enumerate(named)],
    }
    (folder / "annotations.json").write_text(json.dumps(document))
    saved.unlink(missing_ok=True)
    models = ["--models", str(folder / "models")]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(pathlib.Path(program).resolve()), *arguments]
        environment = {**os.environ, "SILHOUETTE_MODELS": ""}
        return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)

    listed = run("models", *models)
    files = ["--annotations", str(folder / "annotations.json"), "--images", str(pictures), "--save-detections", str(saved)]
    thresholds = ["--score-threshold", str(row.least), "--iou", "0.7"]
    more = [*(["--square"] if square else []), *row.evaluate]
    result = run("evaluate", *models, "--model", "export/1", *files, *thresholds, *more)
    if not saved.exists():
        return None, (result.stderr or result.stdout).strip()[-300:]
    if listed.returncode:
        return None, "models: " + listed.stdout.strip()[-300:]
    note.write_text(listed.stdout.split()[1])
    return json.loads(saved.read_text()), note.read_text()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("program", nargs="?")
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--only", default="", help="rows whose title has this text")
    parser.add_argument("--again", action="store_true", help="make models anew")
    parser.add_argument("--saved", action="store_true", help="compare answers of ours that an earlier run saved")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def made(cache: pathlib.Path, family: str, module: ModuleType, version: str, index: int, *, again: bool) -> str | None:
    """None if the model and its answers are there; else why not."""
    folder = place(cache, family, version, module.ROWS[index])
    if (folder / "theirs.json").exists() and not again:
        return None
    packages = cache / f"packages-{family}-{version}"
    requirements = module.VERSIONS[version]
    if requirements and not packages.exists():
        alone = [] if version in getattr(module, "WITH_DEPENDENCIES", ()) else ["--no-deps"]
        command = [sys.executable, "-m", "pip", "install", "-q", "--only-binary", ":all:", *alone, "--target", str(packages)]
        subprocess.run([*command, *requirements], check=True)
    path = os.pathsep.join([str(packages)] * bool(requirements) + [os.environ.get("PYTHONPATH", "")])
    settings = {"PYTHONPATH": path, "YOLO_CONFIG_DIR": str(cache / "settings"), **getattr(module, "ENVIRONMENT", {})}
    folder.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        [sys.executable, str(pathlib.Path(__file__).resolve()), str(cache), "--work", family, version, str(index)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    (folder / "export.log").write_text(run.stdout + run.stderr)
    return (run.stderr.strip().splitlines() or ["no message"])[-1][:160] if run.returncode else None


def outcome(
    options: argparse.Namespace, cache: pathlib.Path, family: str, module: Any, version: str, index: int
) -> tuple[bool, str]:
    """Whether a row fails, and what is to be said of it."""
    row = module.ROWS[index]
    common.pictures(cache, row)
    failure = made(cache, family, module, version, index, again=options.again)
    if failure is not None:
        return False, f"not exported: {failure}"
    folder = place(cache, family, version, row)
    theirs = json.loads((folder / "theirs.json").read_text())
    if not options.program:
        return False, f"made, {len(theirs)} objects"
    before: tuple[int, ...] = getattr(module, "SQUARE_BEFORE", ())
    square = bool(before) and tuple(map(int, version.split(".")[:2])) < before
    found, note = ours(folder, options.program, row, square=square, saved_before=options.saved)
    if found is None:
        return True, f"REFUSED: {note}"
    worst = common.compare(theirs, found)
    good = common.is_same(worst, row, len(theirs))
    return not good, (
        f"{note} | {'same' if good else 'OTHER'} | {len(theirs)} objects | {worst['missing']} missing, {worst['more']} more, "
        f"{worst['tied']} tied | {worst['corner']:.4f} px | {worst['score']:.1e} | {worst['mask']:.4f}"
    )


def main() -> None:
    options = arguments()
    cache = options.cache.resolve()
    if options.work:
        family, version, index = options.work
        work(cache, family, version, int(index))
        return
    failures = 0
    for family in options.family or FAMILIES:
        module = importlib.import_module(f"exporters.{family}")
        for version in module.VERSIONS:
            for index, row in enumerate(module.ROWS):
                title = f"{family} {version} | {row.title}"
                if options.only not in title or (row.versions and version not in row.versions):
                    continue
                failed, said = outcome(options, cache, family, module, version, index)
                failures += failed
                print(f"{title} | {said}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
