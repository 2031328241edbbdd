"""Compares every image file of a folder with what Pillow reads from it: pixels, size and orientation.

    pip install pillow pillow-heif numpy
    python3 scripts/corpus.py FOLDER... [--program .build/release/silhouette] [--list] [--jobs 2]

Each file is decoded by `silhouette decode`, in a process of its own with a limit on time and memory, so that a file that ends the process
is told by name. Pillow's image is turned upright as EXIF says and converted to RGB. Of 16-bit gray, which Pillow would clip at 255, the
upper bytes are compared, as OpenCV reads them.

The table counts, by format: files with the same pixels; with pixels that differ by rounding only (at most 4 of 255 at any value, and 0.5
in the mean); with other pixels; that Silhouette refuses although Pillow reads them; and that only Silhouette reads. `--list` names all
but the first. The exit status is 1 if a process crashed or ran out of time.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import resource
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from PIL import Image, ImageCms, ImageOps

try:
    import pillow_heif

    pillow_heif.register_heif_opener()
except ImportError:
    pass

# Pillow refuses images of more than twice as many: those that Silhouette refuses by default.
Image.MAX_IMAGE_PIXELS = 1 << 27
OURS = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "HEIF"}
COLUMNS = ["same", "rounding", "other", "refused", "ours only", "crashed"]
SECONDS = 300
MEMORY = 8 << 30


def as_rgb(image):
    """The pixels that a training pipeline sees."""
    if image.mode.startswith("I;16"):
        bits = 12 if getattr(image, "tag_v2", {}).get(258) == (12,) else 16
        return np.repeat((np.asarray(image) >> (bits - 8)).astype(np.uint8)[..., None], 3, 2)
    if image.mode == "LAB":
        image = ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB")
    if image.mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    return np.asarray(image.convert("RGB"))


def reference(path):
    """Pillow's name of the format, and its pixels or what it says; `None` for a file that is not an image to it."""
    name = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                name = image.format
                if name not in OURS:
                    return name, None
                tags = getattr(image, "tag_v2", {})
                upright = ImageOps.exif_transpose(image)
                upright.tag_v2 = tags
                return name, as_rgb(upright)
        except Exception as error:  # Pillow raises errors of many kinds
            return name, f"{type(error).__name__}: {error}"


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def ours(program, path):
    """Our pixels, or the message of the refusal; `False` in the second place where the process did not end by itself."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "image.ppm"
        try:
            run = subprocess.run(
                [program, "decode", str(path), "--output", str(output)], capture_output=True, timeout=SECONDS, preexec_fn=limit,
                check=False)
        except subprocess.TimeoutExpired:
            return f"took more than {SECONDS} s", False
        if run.returncode < 0 or run.returncode > 120:
            return f"ended by signal {abs(run.returncode)}", False
        if run.returncode != 0:
            return run.stderr.decode(errors="replace").strip().removeprefix("Error: ").split("; accepted are")[0], True
        data = output.read_bytes()
    magic, width, height, most, start = data[:2], *[int(x) for x in data[:64].split()[1:4]], 0
    assert magic == b"P6" and most == 255
    start = len(data) - 3 * width * height
    return np.frombuffer(data, np.uint8, offset=start).reshape(height, width, 3), True


def compare(program, path):
    """The format, a column of the table, and a remark."""
    name, expected = reference(path)
    actual, ended = ours(program, path)
    if not ended:
        return name or "unknown", "crashed", actual
    read = isinstance(actual, np.ndarray)
    if not isinstance(expected, np.ndarray):
        if name is not None and name not in OURS:
            return "others", "ours only" if read else "named", "" if read else actual
        return name or "unknown", "ours only" if read else "neither", str(expected or "not an image to Pillow") if read else actual
    if not read:
        return name, "refused", actual
    if actual.shape != expected.shape:
        return name, "other", f"{actual.shape[1]}x{actual.shape[0]}, not {expected.shape[1]}x{expected.shape[0]}"
    difference = np.abs(actual.astype(np.int16) - expected)
    if not difference.any():
        return name, "same", ""
    remark = f"differs by up to {difference.max()}, {difference.mean():.3f} in the mean"
    return name, "rounding" if difference.max() <= 4 and difference.mean() <= 0.5 else "other", remark


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--program", default=".build/release/silhouette")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="name the files that are not the same")
    options = parser.parse_args()
    files = sorted(path for folder in options.folders for path in ([folder] if folder.is_file() else folder.rglob("*")) if path.is_file())
    counts = collections.defaultdict(collections.Counter)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, (name, column, remark) in zip(files, pool.map(lambda path: compare(options.program, path), files)):
            counts[name][column] += 1
            if options.list and column not in ("same", "neither", "named") or column == "crashed":
                print(f"{column:9}  {name:5}  {path}: {remark}")
    print("| format | read by Pillow | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * (len(COLUMNS) + 1))
    total = collections.Counter()
    for name in sorted(counts, key=lambda name: (name not in OURS, name)):
        row = counts[name]
        if not any(row[column] for column in COLUMNS):
            continue
        total += row
        print(f"| {name} | {read_by_pillow(row)} | " + " | ".join(str(row[column]) for column in COLUMNS) + " |")
    print(f"| all | {read_by_pillow(total)} | " + " | ".join(str(total[column]) for column in COLUMNS) + " |")
    print(f"\nOf other formats, {counts['others']['named']} files were refused; {sum(row['neither'] for row in counts.values())} files are read by neither.")
    sys.exit(1 if total["crashed"] else 0)


def read_by_pillow(row):
    return row["same"] + row["rounding"] + row["other"] + row["refused"]


if __name__ == "__main__":
    main()
