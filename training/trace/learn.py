"""Draws scenes and trains on them at the same time, on one GPU: every step sees views of a pool of scenes that keeps being renewed.

    python learn.py OUT [--start model.onnx or last.pt] [--minutes 7] [--pool 6000] [--fresh 8] [--batch 64]

Needs torch, numpy, scipy, Pillow, onnx (for --start) and trace.so, built of trace.cu:

    nvcc -O3 --use_fast_math -std=c++17 -arch=sm_90 -shared -Xcompiler -fPIC -o trace.so trace.cu        # for a GPU
    g++ -x c++ -O2 -std=c++17 -ffast-math -march=native -shared -fPIC -o trace.so trace.cu               # for a processor (slow)

Writes OUT/last.pt for export.py, OUT/log.csv for plot.py and OUT/scenes.jpg to look at.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import math
import multiprocessing
import pathlib
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "train"))
import rooms
import scene
from losses import batch_loss
from model import Network
from start import weights_of
from views import MOST, views

HERE = pathlib.Path(__file__).parent
SHEETS, PLACES, RELIEFS = 900, 500, 300
WORLD: dict[str, Any] = {}
"""What scenes are composed of; set before the processes that compose them are forked."""


class World(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("scene", "shapes", "materials", "sheets")),
        ("sheet_size", ctypes.c_int), ("reliefs", ctypes.c_void_p), ("relief_size", ctypes.c_int), ("places", ctypes.c_void_p),
        ("rows", ctypes.c_int), ("columns", ctypes.c_int)]


class Painter:
    """Draws scenes with trace.so, on the GPU or, where there is none, on the processor."""

    def __init__(self, library: pathlib.Path, sheets: Sequence[tuple[str, np.ndarray, float]], places: Sequence[rooms.Place],
                 reliefs: np.ndarray, device: torch.device) -> None:
        self.library, self.device = ctypes.CDLL(str(library)), device
        self.library.render.argtypes = [World, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p,
                                        ctypes.c_void_p]

        def held(x: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(x)).to(device)

        self.sheets, self.places = held(np.stack([s[1] for s in sheets])), held(np.stack([p[0] for p in places]))
        self.reliefs = held(np.asarray(reliefs, np.float32))

    def draw(self, rows: scene.Batch, size: int, samples: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures as bytes [n, 3, size, size], instances [n, size, size] and the classes of instances [n, MOST], -1 for none."""
        c, shapes, materials, names = rows
        c, shapes, materials = (torch.from_numpy(x).to(self.device) for x in (c, shapes, materials))
        n = len(c)
        light = torch.empty(n, size, size, 3, device=self.device)
        index = torch.empty(n, size, size, dtype=torch.uint8, device=self.device)
        world = World(None, shapes.data_ptr(), materials.data_ptr(), self.sheets.data_ptr(), self.sheets.shape[1],
                      self.reliefs.data_ptr(), self.reliefs.shape[1],
                      self.places.data_ptr(), self.places.shape[2], self.places.shape[3])
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        if error := self.library.render(world, c.data_ptr(), n, size, samples, light.data_ptr(), index.data_ptr()):
            raise SystemExit(f"CUDA error {error}")
        classes = torch.tensor([(k + [-1] * MOST)[:MOST] for k in names], device=self.device)
        return (develop(light) * 255 + 0.5).byte(), torch.where(index <= MOST, index, 0), classes


def develop(light: torch.Tensor) -> torch.Tensor:
    """Linear light to a picture: exposure by percentile, white balance, a soft shoulder, gamma."""
    n = len(light)
    light = torch.nan_to_num(light, 0, 0, 0)
    level = light[:, ::8, ::8].mean(-1).flatten(1).quantile(0.8, dim=1) + 1e-4

    def pick(low: float, high: float) -> torch.Tensor:
        return torch.rand(n, device=light.device) * (high - low) + low

    exposed = light * (pick(0.3, 0.8) / level)[:, None, None, None] * (1 + 0.08 * torch.randn(n, 1, 1, 3, device=light.device))
    toned = torch.where(exposed < 0.7, exposed, 0.7 + 0.3 * torch.tanh((exposed - 0.7) / 0.3 * 0.8)).clamp(0, 1)
    return (toned ** (1 / 2.2)).permute(0, 3, 1, 2)


def prepare(workers: int, seed: int) -> tuple[list[tuple[str, np.ndarray, float]], list[rooms.Place], np.ndarray]:
    """Surfaces, rooms and coin reliefs, made by several processes."""
    with multiprocessing.Pool(workers) as pool:
        sheets = pool.map_async(rooms.sheet, range(seed, seed + SHEETS), chunksize=2)
        reliefs = pool.map_async(rooms.relief, range(seed, seed + RELIEFS), chunksize=4)
        places = pool.map_async(rooms.place_of, range(seed, seed + PLACES), chunksize=8)
        return sheets.get(), places.get(), np.stack(reliefs.get())


def compose(seeds: Iterable[int]) -> scene.Batch:
    return scene.batch(seeds, **WORLD)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--start", type=pathlib.Path)
    parser.add_argument("--library", type=pathlib.Path, default=HERE / "trace.so")
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--pool", type=int, default=6000)
    parser.add_argument("--fresh", type=int, default=8, help="scenes that each step renews")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1_000_000)
    arguments = parser.parse_args()
    began = time.time()

    def say(*words: object) -> None:
        print(f"[{time.time() - began:.0f} s]", *words, flush=True)

    torch.manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    sheets, places, reliefs = prepare(arguments.workers, arguments.seed)
    say(f"{len(sheets)} surfaces, {len(places)} rooms, {len(reliefs)} reliefs")
    WORLD.update(sheets=[(kind, None, rough) for kind, _, rough in sheets], places=places, reliefs=len(reliefs))
    composers = multiprocessing.Pool(arguments.workers)  # before CUDA starts, since they are forks
    chunk = 32
    fresh = composers.imap(compose, (range(s, s + chunk) for s in range(arguments.seed, arguments.seed + 80_000, chunk)))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    painter = Painter(arguments.library, sheets, places, reliefs, device)
    del sheets
    torch.backends.cudnn.benchmark = True

    pictures = torch.empty(arguments.pool, 3, arguments.size, arguments.size, dtype=torch.uint8, device=device)
    index = torch.empty(arguments.pool, arguments.size, arguments.size, dtype=torch.uint8, device=device)
    classes = torch.empty(arguments.pool, MOST, dtype=torch.long, device=device)
    drawn, owed, filled = 0, 0.0, 0

    def renew() -> None:
        nonlocal drawn, filled
        at = torch.arange(drawn, drawn + chunk, device=device) % arguments.pool
        pictures[at], index[at], classes[at] = painter.draw(next(fresh), arguments.size)
        drawn += chunk
        filled = min(drawn, arguments.pool)

    while filled < min(arguments.pool, 20 * arguments.batch):
        renew()
    say(f"the first {filled} scenes")
    rows = [torch.cat(list(pictures[i:i + 10]), 2) for i in range(0, min(filled, 100) // 10 * 10, 10)]
    if rows:
        sheet = torch.cat(rows, 1)[:, ::2, ::2].permute(1, 2, 0).cpu().numpy()
        Image.fromarray(sheet).save(arguments.out / "scenes.jpg", quality=88)

    network = Network(4).to(device, memory_format=torch.channels_last)
    if arguments.start:
        some = views(pictures[:filled], index[:filled], classes[:filled], min(arguments.batch, filled), arguments.size)[0]
        weights_of(arguments.start, network, some)
        say(f"starts from {arguments.start}")
    average = copy.deepcopy(network).eval()
    decayed, plain = [p for p in network.parameters() if p.ndim > 1], [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 2e-2}, {"params": plain, "weight_decay": 0.0}],
                                  lr=arguments.rate)
    pairs = list(zip(average.state_dict().values(), network.state_dict().values()))
    smooth = [(a, b) for a, b in pairs if a.dtype.is_floating_point]
    whole = [(a, b) for a, b in pairs if not a.dtype.is_floating_point]
    limit, start, step = arguments.minutes * 60, time.time(), 0
    sums: dict[str, torch.Tensor] = {}
    count, saved = 0, time.time()

    def save() -> None:
        torch.save({"average": average.state_dict(), "step": step, "used": time.time() - start}, arguments.out / "last.pt")

    with open(arguments.out / "log.csv", "a") as log:
        while (used := time.time() - start) < limit:
            owed += arguments.fresh
            while owed >= chunk:
                renew()
                owed -= chunk
            rate = arguments.rate * min(1, (step + 1) / 200) * (0.01 + 0.99 * (1 + math.cos(math.pi * used / limit)) / 2)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.no_grad():
                images, truth = views(pictures[:filled], index[:filled], classes[:filled], arguments.batch, arguments.size)
            network.train()
            with torch.autocast(device.type, torch.bfloat16):
                outputs = network(images.contiguous(memory_format=torch.channels_last))
            value, parts = batch_loss(outputs, truth)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5)
            optimizer.step()
            step += 1
            decay = min(0.999, (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_([a for a, _ in smooth], [b for _, b in smooth], 1 - decay)
                for a, b in whole:
                    a.copy_(b)
            for k, v in parts.items():
                sums[k] = sums.get(k, 0) + v
            count += 1
            if step % 20 == 0:
                line = f"{step},{used:.0f},{rate:.5f}," + ",".join(f"{float(v) / count:.4f}" for v in sums.values())
                print(line, file=log, flush=True)
                if step % 100 == 0:
                    say(line, f"{drawn} scenes")
                sums, count = {}, 0
            if time.time() - saved > 60:
                saved = time.time()
                save()
    save()
    say(f"{step} steps, {drawn} scenes")
    composers.terminate()


if __name__ == "__main__":
    main()
