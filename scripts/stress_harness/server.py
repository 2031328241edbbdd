"""A server of our own: started with free ports and temporary folders, watched, and always ended."""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from types import TracebackType
from typing import Self

from stress_harness.client import Answer, Caller, Request
from stress_harness.streams import unverified

START_LIMIT = 60.0
"""Seconds until a server must be ready."""
MEMORY_LIMIT = 8 << 30
"""Resident bytes at which a server is killed, so that the machine survives the run."""
_LAUNCHER = """
import ctypes, os, resource, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: the server never outlives this program
if count := int(sys.argv[1]):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerEndedError(Exception):
    """The server ended although nothing asked it to."""


@functools.cache
def options_of(program: str) -> frozenset[str]:
    """The options that `serve` has, by their names."""
    text = subprocess.run([program, "serve", "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
    return frozenset(word.strip("[],.()") for word in text.split() if word.lstrip("[(").startswith("--"))


def free_port() -> int:
    """A port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A context: `with Server(program, models) as server`. The models folder is used as it is; copy it before."""

    def __init__(
        self, program: str, models: pathlib.Path, *arguments: str, preload: str = "all", descriptors: int | None = None
    ) -> None:
        self.program = program
        self.options = options_of(program)
        self._descriptors = descriptors
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="silhouette-stress-"))
        self.tls = unverified() if "--tls-certificate" in arguments else None
        self.state = self._folder / "state"
        self.port = free_port()
        self._log = open(self._folder / "log", "wb")  # noqa: SIM115
        self._command = [
            program, "serve", "--host", "127.0.0.1", "--port", str(self.port), "--models", str(models),
            "--state", str(self.state), "--preload", preload, *arguments,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._watching = threading.Event()
        self.peak = 0
        self.killed_for_memory = False
        self.key = ""

    def __enter__(self) -> Self:
        try:
            self.key = self.make_key()
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        code = self.exit_code
        self._end()
        if code is not None and isinstance(error, OSError):  # why nothing could be sent
            raise ServerEndedError(f"the server ended ({describe_end(code)})") from error

    def make_key(self, quota: int | None = None) -> str:
        """Makes a key; with a quota it opens that many predictions."""
        command = [self.program, "keys", "create", "--name", "stress", "--state", str(self.state)]
        command += ["--quota", str(quota)] if quota else []
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.split()[-1]

    def _start(self) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SILHOUETTE_")}
        for name in ("SILHOUETTE_ORT_LIBRARY", "SILHOUETTE_OPENVINO_LIBRARY"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, str(self._descriptors or 0), *self._command], stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=self._log, env=environment, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + START_LIMIT
        while self._ask_readiness() != 200:
            self.require_alive()
            if time.monotonic() > deadline:
                raise ServerEndedError(f"the server was not ready within {START_LIMIT:.0f} s")
            time.sleep(0.02)
        threading.Thread(target=self._watch, daemon=True).start()

    def _ask_readiness(self) -> int | None:
        return self.ask(Request("GET", "/readiness"), limit=5).status

    def ask(self, request: Request, limit: float = 5) -> Answer:
        """One request on a connection of its own."""
        with Caller(self.port, limit, self.tls) as caller:
            return caller.ask(request)

    def _watch(self) -> None:
        while not self._watching.wait(0.02):
            self.peak = max(self.peak, self.resident())
            if self.peak > MEMORY_LIMIT and self._process is not None:
                self.killed_for_memory = True
                self._process.kill()
                return

    def reset_peak(self) -> int:
        """Begins a new measurement of the peak and returns the resident bytes of now."""
        self.peak = self.resident()
        return self.peak

    @property
    def pid(self) -> int:
        """The process id."""
        if self._process is None:
            raise ServerEndedError("the server was not started")
        return self._process.pid

    def resident(self) -> int:
        """Resident bytes; 0 after the end."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()
            return int(fields[1]) * resource.getpagesize()
        return 0

    def processor_seconds(self) -> float:
        """Processor time that the server has used, user and system."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        os.kill(self.pid, number)

    def wait(self, limit: float) -> float | None:
        """Seconds until the server has ended; None if it has not within the limit."""
        start = time.monotonic()
        try:
            if self._process is not None:
                self._process.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - start

    @property
    def exit_code(self) -> int | None:
        """As `subprocess` tells it; None while the server runs."""
        return self._process.poll() if self._process is not None else None

    def require_alive(self) -> None:
        """Raises if the server has ended."""
        code = self.exit_code
        if code is None:
            return
        if self.killed_for_memory:
            raise ServerEndedError(f"the server took over {MEMORY_LIMIT >> 30} GiB and was killed by this program")
        raise ServerEndedError(f"the server ended ({describe_end(code)}); its log ends with: {self.log_tail()}")

    def log_tail(self) -> str:
        """The last line of the log."""
        lines = (self._folder / "log").read_text(errors="replace").splitlines()
        return lines[-1][:120] if lines else "nothing"

    def _end(self) -> None:
        self._watching.set()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def describe_end(code: int) -> str:
    """An exit code in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
