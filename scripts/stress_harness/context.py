"""What a phase works with."""

from __future__ import annotations

import base64
import json
import pathlib
import shutil
import time
from dataclasses import dataclass, field

from stress_harness.client import Request, Samples, ask_for, milliseconds
from stress_harness.report import Report
from stress_harness.server import Server, options_of

HEALTH = Request("GET", "/healthz")


@dataclass
class Context:
    """A program to test, a model, an image, and the seconds that the phase has."""

    program: str
    models: pathlib.Path
    model: str
    image: bytes
    scratch: pathlib.Path
    report: Report
    seconds: float
    start: float = field(default_factory=time.monotonic)

    @property
    def options(self) -> frozenset[str]:
        """The options of `serve`."""
        return options_of(self.program)

    def having(self, option: str, value: str) -> list[str]:
        """An option and its value where the program has it."""
        return [option, value] if option in self.options else []

    def server(
        self, *arguments: str, models: pathlib.Path | None = None, preload: str = "all", descriptors: int | None = None
    ) -> Server:
        """A server of the default model, or of another folder."""
        folder = models or self.models
        return Server(self.program, folder, *arguments, preload=preload, descriptors=descriptors)

    def honest(self, key: str, query: str = "") -> Request:
        """The request of an honest caller."""
        return Request("POST", f"/{self.model}?api_key={key}{query}", self.image, "image/jpeg")

    def honest_in_body(self, key: str) -> Request:
        """The request of an honest caller whose key stands in the body."""
        body = json.dumps({"api_key": key, "image": base64.b64encode(self.image).decode()}).encode()
        return Request("POST", f"/{self.model}", body, "application/json")

    def left(self, least: float = 0.0) -> float:
        """Seconds until the phase should end."""
        return max(least, self.seconds - (time.monotonic() - self.start))

    def baseline(self, server: Server, part: float = 0.2) -> Samples:
        """Honest requests while nothing else goes on; the first ones warm the server up and do not count."""
        request = self.honest(server.key)
        ask_for(server.port, request, 0.3, tls=server.tls)
        return ask_for(server.port, request, min(5.0, max(1.0, self.seconds * part)), tls=server.tls)

    def check_unaffected(
        self, promise: str, before: Samples, during: Samples, factor: float = 1.3, slack: float = 0.02
    ) -> None:
        """Honest requests are answered as fast as before, and none fails."""
        limit = before.median * factor + slack
        self.report.check(
            promise,
            f"{during.text()} (before: {milliseconds(before.median)} of {before.answered})",
            f"median {milliseconds(limit)}, none failed",
            during.median <= limit and during.failed == 0 and before.failed == 0,
        )

    def folder_of_models(self, name: str, copies: list[tuple[pathlib.Path, str]]) -> pathlib.Path:
        """A folder of models: each a version's folder and the dataset's name that it gets."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        for source, dataset in copies:
            copy_writable(source, folder / dataset / "1")
        return folder


def copy_writable(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies a folder; the copies can be changed and removed, whatever the originals' permissions are."""
    shutil.copytree(source, target)
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
