"""Exports networks with random weights by the families' own exporters, and compares our answers with the families' own predictors.

    python scripts/exports.py CACHE [PROGRAM] [--family NAME] [--only TEXT] [--again]

CACHE keeps the exporters (one folder of packages for each version, installed by pip without their dependencies), the models and the
answers; PROGRAM is the silhouette program, without which models are only made. The Python that runs this needs torch and torchvision of one
build, onnx, onnxruntime, onnxslim, onnxsim, onnxscript, transformers, supervision, opencv and pycocotools. Not run in CI: a row takes from half a
minute to two. The families are the modules of `exporters`; the rows that were run are in docs/models.md.

An answer counts as the same if it has the same objects: class equal, corners within 0.5 px, scores within 1e-3, masks with an IoU of at
least 0.99 (`exporters/common.py`, `compare`).
"""

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys

from exporters import common

FAMILIES = ("ultralytics", "yolov5", "yolov9", "rfdetr", "torchvision", "transformers", "conversions")


def work(cache, family, version, index):
    """Runs with one version of the exporter: makes the model, and writes what its own predictor answers."""
    import torch
    torch.set_num_threads(1)
    module = importlib.import_module(f"exporters.{family}")
    row = module.ROWS[index]
    folder = place(cache, family, version, row)
    (folder / "models/export/1").mkdir(parents=True, exist_ok=True)
    answers = module.make(row, folder, common.pictures(cache / f"images-{row.side}", row.side))
    (folder / "theirs.json").write_text(json.dumps(answers))


def place(cache, family, version, row):
    return cache / f"{family}-{version}" / row.slug


def ours(folder, program, row, square, saved_before):
    """What our program answers, as `evaluate` saves it, and what `models` says of the model.
    Returns None and the reason where it answers nothing."""
    from PIL import Image
    saved, note = folder / "ours.json", folder / "family.txt"
    if saved_before and saved.exists() and note.exists():
        return json.loads(saved.read_text()), note.read_text()
    pictures = folder.parents[1] / f"images-{row.side}"
    entries = [{"id": k, "file_name": f"{k}.png", "width": Image.open(pictures / f"{k}.png").width, "height": Image.open(pictures / f"{k}.png").height} for k in range(3)]
    document = {"images": entries, "annotations": [], "categories": [{"id": k, "name": name} for k, name in enumerate(common.names(row.classes))]}
    (folder / "annotations.json").write_text(json.dumps(document))
    saved.unlink(missing_ok=True)
    program = str(pathlib.Path(program).resolve())
    def run(*arguments):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, cwd=folder, env={**os.environ, "SILHOUETTE_MODELS": ""})
    listed = run("models", "--models", folder / "models")
    result = run("evaluate", "--models", folder / "models", "--model", "export/1", "--annotations", folder / "annotations.json", "--images", pictures,
                 "--score-threshold", common.LEAST, "--iou", 0.7, "--save-detections", saved, *(["--square"] if square else []), *row.evaluate)
    if not saved.exists():
        return None, (result.stderr or result.stdout).strip()[-300:]
    if listed.returncode:
        return None, "models: " + listed.stdout.strip()[-300:]
    note.write_text(listed.stdout.split()[1])
    return json.loads(saved.read_text()), note.read_text()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("program", nargs="?")
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--only", default="", help="rows whose title has this text")
    parser.add_argument("--again", action="store_true", help="make models anew")
    parser.add_argument("--saved", action="store_true", help="compare answers of ours that an earlier run saved")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def made(options, cache, family, module, version, index):
    """Whether the model and its answers are there; else why not."""
    folder = place(cache, family, version, module.ROWS[index])
    if (folder / "theirs.json").exists() and not options.again:
        return None
    packages = cache / f"packages-{family}-{version}"
    requirements = module.VERSIONS[version]
    if requirements and not packages.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(packages), *requirements], check=True)
    path = os.pathsep.join([str(packages)] * bool(requirements) + [os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "YOLO_CONFIG_DIR": str(cache / "settings"), **getattr(module, "ENVIRONMENT", {})}
    folder.mkdir(parents=True, exist_ok=True)
    run = subprocess.run([sys.executable, str(pathlib.Path(__file__).resolve()), str(cache), "--work", family, version, str(index)],
                         env=environment, capture_output=True, text=True, cwd=folder)
    (folder / "export.log").write_text(run.stdout + run.stderr)
    return (run.stderr.strip().splitlines() or ["no message"])[-1][:160] if run.returncode else None


def main():
    options = arguments()
    cache = options.cache.resolve()
    if options.work:
        family, version, index = options.work
        return work(cache, family, version, int(index))
    failures = 0
    for family in options.family or FAMILIES:
        module = importlib.import_module(f"exporters.{family}")
        for version in module.VERSIONS:
            for index, row in enumerate(module.ROWS):
                title = f"{family} {version} | {row.title}"
                if options.only not in title or row.versions and version not in row.versions:
                    continue
                common.pictures(cache / f"images-{row.side}", row.side)
                failure = made(options, cache, family, module, version, index)
                if failure is not None:
                    print(f"{title} | not exported: {failure}", flush=True)
                    continue
                folder = place(cache, family, version, row)
                theirs = json.loads((folder / "theirs.json").read_text())
                if not options.program:
                    print(f"{title} | made, {len(theirs)} objects", flush=True)
                    continue
                before = getattr(module, "SQUARE_BEFORE", None)
                found, note = ours(folder, options.program, row, bool(before) and tuple(map(int, version.split(".")[:2])) < before, options.saved)
                if found is None:
                    failures += 1
                    print(f"{title} | REFUSED: {note}", flush=True)
                    continue
                worst = common.compare(theirs, found)
                good = common.is_same(worst, row, len(theirs))
                failures += not good
                print(f"{title} | {note} | {'same' if good else 'OTHER'} | {len(theirs)} objects | {worst['missing']} missing, {worst['more']} more, {worst['tied']} tied | "
                      f"{worst['corner']:.4f} px | {worst['score']:.1e} | {worst['mask']:.4f}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
