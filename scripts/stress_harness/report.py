"""What a run found: one line for each promise."""

from __future__ import annotations

import json
import os
import re
import textwrap
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Line:
    """One promise. `held` is None where the figure has no limit, or where the run was too short to judge."""

    phase: str
    promise: str
    measured: str
    limit: str
    held: bool | None

    @property
    def is_timed(self) -> bool:
        """Whether the limit is a time, a rate or a share of the processor."""
        return re.search(r"\d (ms|s|cores)\b|\d/s\b", self.limit) is not None

    @property
    def verdict(self) -> str:
        """The last column of the table."""
        return {True: "held", False: "BROKEN", None: "-"}[self.held]


COLUMNS = (("promise", 50), ("measured", 60), ("limit", 28), ("", 6))


def row(cells: Iterable[str]) -> str:
    """A row of the table, wrapped to the width of its columns."""
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, (_, width) in zip(cells, COLUMNS, strict=True)]
    lines = []
    for i in range(max(map(len, wrapped))):
        parts = [
            (cell[i] if i < len(cell) else "").ljust(width) for cell, (_, width) in zip(wrapped, COLUMNS, strict=True)
        ]
        lines.append(" | ".join(parts).rstrip().rstrip("|").rstrip())
    return "\n".join(lines)


@dataclass
class Report:
    """Prints lines as they come and keeps them."""

    lines: list[Line] = field(default_factory=list)
    phase: str = ""
    start: float = field(default_factory=time.monotonic)

    def begin(self, phase: str, seconds: float) -> None:
        """Starts a phase that has so many seconds."""
        self.phase = phase
        load = os.getloadavg()[0]
        elapsed = time.monotonic() - self.start
        print(f"\n== {phase} ({seconds:.0f} s; started at {elapsed:.0f} s, load average {load:.1f})", flush=True)

    def check(self, promise: str, measured: str, limit: str, held: bool) -> None:
        """Adds a promise that was held or broken."""
        self._add(Line(self.phase, promise, measured, limit, held))

    def show(self, promise: str, measured: str, limit: str = "") -> None:
        """Adds a figure that is not judged."""
        self._add(Line(self.phase, promise, measured, limit, None))

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        print(f"  {line.verdict:6} {line.promise}", flush=True)

    @property
    def broken(self) -> list[Line]:
        """The promises that were not held."""
        return [line for line in self.lines if line.held is False]

    def print_table(self) -> None:
        """Prints all lines, phase by phase, and the sum."""
        print("\n" + row(name for name, _ in COLUMNS))
        print("-+-".join("-" * width for _, width in COLUMNS))
        phase = ""
        for line in self.lines:
            if line.phase != phase:
                phase = line.phase
                print(f"[{phase}]")
            print(row((line.promise, line.measured, line.limit, line.verdict)))
        held = sum(line.held is True for line in self.lines)
        elapsed = time.monotonic() - self.start
        print(
            f"\n{held} promises held, {len(self.broken)} broken, in {elapsed:.0f} s; "
            f"{os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}"
        )

    def write_json(self, path: str) -> None:
        """Writes all lines to a file."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"lines": [asdict(line) for line in self.lines], "broken": len(self.broken)}, file, indent=1)
            file.write("\n")
