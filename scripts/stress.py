"""Attacks a server of its own and shows whether it keeps its promises. Needs nothing but Python 3.11 and Linux.

    python3 scripts/stress.py --server .build/release/silhouette [--seconds 60] [--only drip,overload] [--json FILE]

`make stress` runs it for ten minutes.
"""

from __future__ import annotations

import argparse
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple

from stress_harness import connections, costs, load, models, process
from stress_harness.context import Context, copy_writable
from stress_harness.report import Report
from stress_harness.server import ServerEndedError

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEAST_SECONDS = 3.0
GRACE = 75.0
"""Seconds that a phase may take beyond its own before it is cut off: server starts, answers that are waited for."""

EPILOGUE = """\
phases (every one has a server, keys and folders of its own; all on the loopback interface):
  drip         200 keyless connections send a byte every 2 s, in bodies, in heads and to /infer:
               honest requests are answered as if they were not there, also those with the key in the body
  unread       200 connections pipeline requests and never read: honest requests as before,
               memory bounded, and they are closed in the end (judged in runs of 10 minutes)
  answers      100 connections with a key ask for large answers and never read them: memory bounded,
               another key's requests go on
  bodies       64 keyless bodies of 32 MiB that are costly to parse: refused with 4xx or 503;
               honest requests and /healthz go on, memory bounded
  leavers      4 x overload by clients that close after 100 ms: no inference is done for them afterwards
  halfclose    a client that closes only its sending half still gets its answer
  overload     10 x overload: throughput stays, refusals have Retry-After; one key cannot crowd out another
  loading      five cold models and three 100-megapixel images at once: /healthz within 50 ms (p99)
  list         lists of images: each image spends quota, long ones are refused
  tiles        256 and 484 overlapping tiles: bounded, and canceled when the client leaves
  listing      listing 20 models loads none
  reload       replaced and broken model files while requests run: no failed and no mixed answer
  stop         SIGTERM, a second SIGTERM and SIGHUP while bodies drip
  descriptors  300 connections to a server that may open 256 files
  idle         2,000 connections that say nothing
  store        another process holds a write transaction on the key database

Each line is a promise, what was measured (with the number of samples), its limit, and whether it was held.
The exit code is 1 if a promise was broken. Times depend on the machine: where a promise is "as before", the
limit comes from honest requests that were measured just before, on the same server.
"""


class Phase(NamedTuple):
    """A function, and how much of the time it gets."""

    run: Callable[[Context], None]
    weight: float = 1.0


PHASES = {
    "drip": Phase(connections.drip, 1.5),
    "unread": Phase(connections.unread, 1.5),
    "answers": Phase(connections.answers),
    "bodies": Phase(connections.bodies, 1.3),
    "leavers": Phase(load.leavers, 1.5),
    "halfclose": Phase(load.halfclose, 0.6),
    "overload": Phase(load.overload, 1.5),
    "loading": Phase(models.loading, 1.2),
    "list": Phase(costs.list_of_images, 0.6),
    "tiles": Phase(costs.tiles, 2.5),
    "listing": Phase(models.listing, 0.6),
    "reload": Phase(models.reload, 1.5),
    "stop": Phase(process.stop),
    "descriptors": Phase(connections.descriptors),
    "idle": Phase(connections.idle),
    "store": Phase(costs.store),
}


class CutOffError(Exception):
    """A phase took too long."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description="Attacks a server of its own and shows whether it keeps its promises.",
        epilog=EPILOGUE, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--server", required=True, metavar="PATH", help="the program to test")
    parser.add_argument("--models", default=str(ROOT / "models"), metavar="DIR", help="its models (default: models)")
    parser.add_argument("--seconds", type=float, default=60, help="how long all phases take together (default: 60)")
    parser.add_argument("--only", default=",".join(PHASES), metavar="NAME,...", help="only these phases")
    parser.add_argument(
        "--report-times", action="store_true",
        help="report promises about times and rates, but do not fail for them (a machine that others use too)",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the lines to a file")
    options = parser.parse_args(arguments)
    unknown = set(options.only.split(",")) - set(PHASES)
    if unknown:
        parser.error(f"--only: unknown phases {', '.join(sorted(unknown))}; there are {', '.join(PHASES)}")
    if not (math.isfinite(options.seconds) and 1 <= options.seconds <= 86_400):
        parser.error("--seconds must be from 1 to 86400")
    if not os.access(options.server, os.X_OK):
        parser.error(f"--server: '{options.server}' is not a program")
    return options


def default_model(folder: pathlib.Path) -> str:
    """The project's model, or the first of the folder."""
    found = sorted(folder.glob("*/*/*.onnx"), key=lambda file: (file.parts[-3] != "tabletop", file))
    if not found:
        sys.exit(f"--models: there is no DATASET/VERSION/*.onnx in '{folder}'")
    return f"{found[0].parts[-3]}/{found[0].parts[-2]}"


def sample_image(folder: pathlib.Path) -> bytes:
    """A JPEG of about a megapixel."""
    for place in [*sorted(folder.glob("*/*/sample.jpg")), ROOT / "models/tabletop/1/sample.jpg"]:
        if place.is_file():
            return place.read_bytes()
    sys.exit(f"--models: there is no sample.jpg in a version's folder of '{folder}'")


def cut_off(number: int, frame: FrameType | None) -> None:
    """Ends a phase that takes too long."""
    raise CutOffError


def interrupted(number: int, frame: FrameType | None) -> None:
    """Ends this program so that its servers and folders go with it."""
    raise KeyboardInterrupt


def run_phase(name: str, context: Context) -> None:
    """Runs a phase within its time; whatever goes wrong in it is a broken promise."""
    report = context.report
    report.begin(name, context.seconds)
    signal.setitimer(signal.ITIMER_REAL, context.seconds + GRACE)
    try:
        PHASES[name].run(context)
    except ServerEndedError as error:
        report.check("the server goes on", str(error), "", False)
    except CutOffError:
        report.check("the phase ends", f"cut off after {context.seconds + GRACE:.0f} s", "", False)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, RuntimeError) as error:
        report.check("the phase can be measured", f"{type(error).__name__}: {error}", "", False)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(options: argparse.Namespace, report: Report, scratch: pathlib.Path) -> None:
    """Runs the phases one after the other."""
    source = pathlib.Path(options.models)
    folder = scratch / "models"
    model = default_model(source)
    names = [name for name in PHASES if name in options.only.split(",")]
    copy_writable(source, folder)
    total = sum(PHASES[name].weight for name in names)
    for name in names:
        seconds = max(LEAST_SECONDS, options.seconds * PHASES[name].weight / total)
        place = scratch / name
        place.mkdir()
        run_phase(name, Context(options.server, folder, model, sample_image(source), place, report, seconds))
        shutil.rmtree(place, ignore_errors=True)


def main() -> int:
    """The exit code: 1 if a promise was broken."""
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGALRM, cut_off)
    signal.signal(signal.SIGTERM, interrupted)
    sys.setswitchinterval(0.0005)
    report = Report()
    print(
        f"{options.server}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, "
        f"{time.strftime('%Y-%m-%d %H:%M')}, about {options.seconds:.0f} s"
    )
    with tempfile.TemporaryDirectory(prefix="silhouette-stress-") as scratch:
        try:
            run(options, report, pathlib.Path(scratch))
        except KeyboardInterrupt:
            report.check("the run was not interrupted", "it was", "", False)
    report.print_table()
    if options.json:
        report.write_json(options.json)
    failed = [line for line in report.broken if not (options.report_times and line.is_timed)]
    if len(failed) < len(report.broken):
        print(
            f"{len(report.broken) - len(failed)} of the broken promises are about times, which only a quiet machine can judge"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
