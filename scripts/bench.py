"""Measures the built program against ONNX Runtime's own runs of the same network. `make bench` runs it.

Needs: apt-get install python3-pil

    scripts/bench.py [--models DIR] [--picture FILE] [--quick]

Everything is a ratio to something measured in turns in the same run, since machines are noisy:
- stages of a prediction, and a whole HTTP request of one caller, against one run by ONNX Runtime with its default settings (the
  floor);
- answers a second with several callers, against the most bare runs a second that any arrangement of threads reaches;
- memory and start of the server as they are;
- instructions and allocations of the stages around the network, which do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, ".build/release/silhouette")


def picture(source: str, width: int, height: int, path: str) -> str:
    """A photograph of that size, enlarged from another: what matters for time is its size and that it is no plain colour."""
    from PIL import Image

    image = Image.open(source).convert("RGB")
    scale = max(width / image.width, height / image.height)
    size = (round(image.width * scale), round(image.height * scale))
    image.resize(size, Image.Resampling.LANCZOS).crop((0, 0, width, height)).save(path, quality=92)
    return path


def number_in(pattern: str, text: str) -> int:
    """The number that the pattern's group matches."""
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"nothing like '{pattern}' was printed: {text[-200:]}")
    return int(match[1])


def contents(path: str) -> bytes:
    """The bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def benchmark(models: str, model: str, *arguments: str) -> dict[str, Any]:
    command = [PROGRAM, "benchmark", "--json", "--models", models, "--model", model, *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


class Server:
    def __init__(self, models: str, model: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.state = tempfile.TemporaryDirectory()
        start = time.perf_counter()
        command = [PROGRAM, "serve", "--open", "--port", str(self.port), "--models", models, "--state", self.state.name,
                   "--preload", model, *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})})
        self.listening = self.wait("/healthz") - start
        self.ready = self.wait("/readiness") - start

    def wait(self, path: str) -> float:
        for _ in range(30_000):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port)
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return time.perf_counter()
            except OSError:
                pass
            if self.process.poll() is not None:
                sys.exit("the server ended before it was ready")
            time.sleep(0.001)
        sys.exit("the server did not become ready")

    def memory(self) -> float:
        with open(f"/proc/{self.process.pid}/status") as file:
            return number_in(r"VmRSS:\s+(\d+)", file.read()) / 1024

    def ask(self, model: str, body: bytes, seconds: float | None = None, count: int | None = None) -> list[float]:
        """Milliseconds of requests one after the other over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        times: list[float] = []
        end = time.perf_counter() + (seconds or 1e9)
        while time.perf_counter() < end and len(times) < (count or 1 << 30):
            start = time.perf_counter()
            connection.request("POST", "/" + model, body, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            times.append((time.perf_counter() - start) * 1000)
        return times

    def load(self, model: str, body: bytes, callers: int, seconds: float) -> tuple[list[float], float]:
        """Milliseconds of every request of several callers, and how many were answered a second."""
        results: list[list[float]] = [[] for _ in range(callers)]
        start = time.perf_counter()

        def call(k: int) -> None:
            results[k] = self.ask(model, body, seconds=seconds)

        threads = [threading.Thread(target=call, args=(k,)) for k in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times = sorted(t for result in results for t in result)
        return times, len(times) / (time.perf_counter() - start)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.state.cleanup()


def share(times: list[float], part: float) -> float:
    return times[min(int(len(times) * part), len(times) - 1)]


def counter(folder: str) -> tuple[dict[str, str], Callable[[], tuple[int, int, int]]]:
    """The environment in which a program counts its allocations, and a function that reads them.

    It returns their number, their bytes, and the number of those in networks.
    """
    library, file = os.path.join(folder, "count_allocations.so"), os.path.join(folder, "allocations")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, os.path.join(ROOT, "scripts/count_allocations.c")], check=True)

    def read() -> tuple[int, int, int]:
        with open(file, "rb") as counts:
            return struct.unpack("QQQ", counts.read())

    return {"LD_PRELOAD": library, "ALLOCATION_COUNTS": file}, read


def counts(models: str, model: str, path: str, folder: str) -> None:
    """Instructions and allocations: the same whatever else the machine does, so that a change can be judged on a busy one."""
    program, small, large = os.path.join(folder, "stages"), 4, 12
    # Valgrind stumbles over debug information that is newer than it.
    subprocess.run(["strip", "-g", "-o", program, os.path.join(ROOT, ".build/release/stages")], check=True)
    environment, read = counter(folder)

    def allocations(stage: str, iterations: int) -> tuple[int, int, int]:
        subprocess.run([program, stage, str(iterations), path], env={**os.environ, **environment}, check=True, capture_output=True)
        count = read()
        os.remove(environment["ALLOCATION_COUNTS"])
        return count

    def instructions(stage: str, iterations: int) -> int:
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, stage, str(iterations), path]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        return number_in(r"Collected : (\d+)", report)

    def each(count: Callable[[str, int], float], stage: str) -> float:
        """Without what the program does once."""
        return (count(stage, large) - count(stage, small)) / (large - small)

    has_valgrind = shutil.which("valgrind") is not None
    print(f"\n{os.path.basename(path)}, one time each{'' if has_valgrind else ' (instructions: apt-get install valgrind)'}")
    print(f"  {'stage':<12}{'instructions':>14}{'allocations':>13}{'bytes':>12}")
    for stage in ("base64", "decode", "preprocess", "postprocess", "encode"):
        shown = f"{each(instructions, stage) / 1e6:12.2f} M" if has_valgrind else f"{'':14}"
        number, size = (each(lambda *a, k=k: allocations(*a)[k], stage) for k in range(2))
        print(f"  {stage:<12}{shown}{number:13.0f}{size:12.0f}")
    body = base64.b64encode(contents(path))
    server = Server(models, model, environment=environment)
    server.ask(model, body, count=10)
    before = read()
    server.ask(model, body, count=40)
    number, size, inside = ((after - first) / 40 for after, first in zip(read(), before))
    print(f"  a whole request of {model}: {number:.0f} allocations of {size / 1e6:.1f} MB, "
          f"{inside:.0f} of them by the runtime in the network")
    server.end()


def stages(models: str, model: str, path: str, iterations: int) -> None:
    result = benchmark(models, model, "--iterations", str(iterations), path)
    floor = result["milliseconds"]["floor"]
    print(f"\n{model}, {os.path.basename(path)}, network {result['network']}")
    for name, value in result["milliseconds"].items():
        print(f"  {name:<12}{value:9.2f} ms {value / floor:7.3f}")


def latency(models: str, model: str, floor_model: str, path: str, rounds: int, *arguments: str) -> None:
    """One caller, in turns with the floor, which may be another file's: rectangles are compared with the square."""
    body = base64.b64encode(contents(path))
    server = Server(models, model, *arguments)
    server.ask(model, body, count=5)
    ratios, times, floors = [], [], []
    for _ in range(rounds):
        own = statistics.median(server.ask(model, body, count=20))
        floor = benchmark(models, floor_model, "--square", "--iterations", "10", path)["milliseconds"]["floor"]
        times.append(own)
        floors.append(floor)
        ratios.append(own / floor)
    server.end()
    name = " ".join([model, *arguments])
    print(f"  {name:<36}{os.path.basename(path):<16}{statistics.median(times):8.1f} ms{statistics.median(floors):10.1f} ms"
          f"{statistics.median(ratios):8.2f}")


def throughput(models: str, model: str, path: str, callers: int, rounds: int, seconds: float, *arguments: str) -> None:
    body = base64.b64encode(contents(path))
    server = Server(models, model, *arguments)
    ready = server.memory()
    server.load(model, body, callers, 1)
    ratios, rates, bests, busy = [], [], [], 0.0
    times: list[float] = []
    for _ in range(rounds):
        own, rate = server.load(model, body, callers, seconds)
        busy = max(busy, server.memory())
        runs = benchmark(models, model, "--callers", str(callers), path)
        rates.append(rate)
        bests.append(runs["best"])
        ratios.append(rate / runs["best"])
        times += own
    times.sort()
    rest = server.memory()  # bare runs went on for longer than half a minute
    p50, p99 = share(times, 0.5), share(times, 0.99)
    print(f"\n{' '.join([model, *arguments])}, {callers} callers: {statistics.median(rates):.1f} answers a second, "
          f"{statistics.median(ratios):.2f} of the best arrangement of bare runs ({statistics.median(bests):.1f}); "
          f"p50 {p50:.0f} ms, p99 {p99:.0f} ms ({p99 / p50:.2f})")
    print(f"  listening {server.listening:.3f} s, ready {server.ready:.3f} s; resident {ready:.0f} MB ready, "
          f"{busy:.0f} MB under load, {rest:.0f} MB half a minute after")
    server.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=os.path.join(ROOT, "models"))
    parser.add_argument("--picture", default=os.path.join(ROOT, "models/tabletop/1/sample.jpg"),
                        help="a photograph with objects that the models know")
    parser.add_argument("--quick", action="store_true", help="one round of everything, to see that it works")
    arguments = parser.parse_args()
    with open("/proc/cpuinfo") as file:
        name = re.search(r"model name\s*: (.*)", file.read())
    print(f"{name[1] if name else 'unknown processor'}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    folder = tempfile.TemporaryDirectory()
    hd = picture(arguments.picture, 1280, 720, os.path.join(folder.name, "1280x720.jpg"))
    large = picture(arguments.picture, 4000, 3000, os.path.join(folder.name, "4000x3000.jpg"))
    iterations, rounds, seconds = (4, 1, 1) if arguments.quick else (40, 5, 5)
    own = sorted(
        f"{dataset}/{version}" for dataset in os.listdir(arguments.models) if os.path.isdir(os.path.join(arguments.models, dataset))
        for version in os.listdir(os.path.join(arguments.models, dataset))
        if os.path.isdir(os.path.join(arguments.models, dataset, version)))
    known = [m for m in ("yolo11n-seg/2", "yolo11n-seg/1", "yolo11n-seg/3") if m in own]
    pairs: list[tuple[str, str]] = [(m, "yolo11n-seg/2") for m in known] or [(own[0], own[0])]
    for model, _ in pairs:
        stages(arguments.models, model, hd, iterations)
    counts(arguments.models, pairs[0][0], hd, folder.name)
    print("\nOne caller, a whole HTTP request with the picture as base64, and the floor of the square network")
    for model, floor in pairs:
        latency(arguments.models, model, floor, hd, rounds)
        latency(arguments.models, model, floor, large, rounds)
    backends: list[list[str]] = [[]]
    if os.path.isdir(os.path.join(ROOT, "lib/openvino")):
        backends.append(["--backend", "openvino"])
    for model, floor in pairs[:2] if len(backends) > 1 else []:
        latency(arguments.models, model, floor, hd, rounds, *backends[1])
    for chosen in backends:
        for model, _ in pairs[:2]:
            throughput(arguments.models, model, hd, 8, min(rounds, 3), seconds, *chosen)


if __name__ == "__main__":
    main()
