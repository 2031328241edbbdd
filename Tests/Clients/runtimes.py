"""What the clients need of the machine, and how to tell a runtime that is incomplete from a client that fails.

A runtime is probed with a minimal program of its own, in `probes`, which is built and run by the same commands as the client and
talks to a page of the tests instead of to Silhouette. Where the probe fails, the machine is at fault; where it passes, we are.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "examples")
PROBES = os.path.join(ROOT, "Tests/Clients/probes")
PACKAGES = os.path.join(ROOT, ".clients")

# What scripts/setup_clients.sh fetches from PyPI into .clients, each into a folder of its own. Of roboflow these are the oldest
# release that programs still use and the newest one when this was written.
PYPI = {
    "roboflow-1.1.30": ["roboflow==1.1.30", "numpy<2"],
    "roboflow-1.2.9": ["roboflow==1.2.9"],
    "roboflow-1.7.3": ["roboflow==1.7.3"],
    "inference-sdk-1.8.3": ["inference-sdk==1.8.3"],
    "schemathesis-4.32.5": ["schemathesis==4.32.5"],
    "pycocotools-2.0.11": ["pycocotools==2.0.11", "shapely", "pillow", "opencv-python-headless"],
}


class Failed(Exception):
    """A client, or the probe of its runtime, did not do what it should. `output` is what the program printed."""

    def __init__(self, message, output=None):
        super().__init__(message)
        self.output = message if output is None else output


def run(command, *, cwd=None, environment=None, timeout=120):
    """Runs a program and returns its output. It gets a process group of its own, which ends with it."""
    name, short = " ".join(command), os.path.basename(command[0])
    try:
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8", errors="replace", start_new_session=True)
    except OSError as reason:  # such as a script whose interpreter is missing
        raise Failed(f"{name} cannot be started: {reason}") from None
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"{name} did not end within {timeout} s", f"{short} did not end within {timeout} s") from None
    finally:
        end(process)
    if process.returncode != 0:
        text = errors.strip() or output.strip() or "it printed nothing"
        raise Failed(f"{name} ended with {process.returncode}: {text[-600:]}", f"{errors}\n{output}".strip() or f"{short} ended with {process.returncode}")
    return output


def end(process):
    """Ends a program and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


def first_meaningful_line(text, limit=160):
    """The line that names what is wrong: the last cause, or the first that speaks of an error, or the first at all."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [
        line for line in lines
        if re.search(r"error|exception|cannot|could not|unable|not found|no such|missing|undefined|not defined|did not", line, re.IGNORECASE)
        and not re.match(r"traceback|.*\bwarning\b|.*a jni error has occurred", line, re.IGNORECASE)]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    line = (causes[-1:] or telling or lines or ["it printed nothing"])[0]
    return line if len(line) <= limit else line[: limit - 1] + "…"


class Runtime:
    """What clients need of the machine: commands, folders of .clients, and a probe that shows whether they work.

    `debian` and `packages` are what scripts/setup_clients.sh installs where the runtime is missing or incomplete.
    """

    def __init__(self, probe, commands=(), debian=(), packages=(), by_hand=None, eager=False):
        """`by_hand` says how to install what the script cannot. The probe is made only where a client fails, unless it is `eager`."""
        self.probe, self.commands, self.debian, self.packages = probe, commands, debian, packages
        self.by_hand, self.eager = by_hand, eager
        self.probed, self.lock = None, threading.Lock()

    @property
    def remedy(self):
        """What installs the runtime."""
        return self.by_hand or f"scripts/setup_clients.sh installs {', '.join([*self.packages, *self.debian])}"

    def absent(self):
        """What of the runtime is not installed at all, or nothing. This is cheap."""
        for command in self.commands:
            if shutil.which(command) is None:
                return f"{command} is not installed"
        for package in self.packages:
            if not os.path.isdir(os.path.join(PACKAGES, package)):
                return f"{package} is not in .clients"
        return None

    def known(self, context):
        """What is known to be missing before a client is tried, or nothing."""
        return self.incomplete(context) if self.eager else self.absent() or self.probed

    def incomplete(self, context):
        """What of the runtime is missing or does not work, or nothing. The probe is made once."""
        with self.lock:
            if self.probed is None:
                self.probed = self.absent() or self.fault(context) or ""
            return self.probed

    def fault(self, context):
        folder = tempfile.mkdtemp(prefix="probe-", dir=context.folder)
        try:
            self.probe(context, folder)
        except Failed as reason:
            what = " and ".join(self.commands or self.packages)
            line = first_meaningful_line(reason.output.replace(folder + "/", "").replace(ROOT + "/", ""))
            return f"the runtime ({what}) is incomplete: {line}"
        return None


def expect_ready(output):
    """Probes print what the page of the tests answered them."""
    if "ready" not in output:
        raise Failed(f"the probe printed something else: {output.strip()[:300]}", output)


def python_path(packages):
    """The value of PYTHONPATH with which scripts find folders of .clients."""
    return os.pathsep.join(os.path.join(PACKAGES, package) for package in packages)


def python_runtime(packages, imports, debian=()):
    """The runtime of scripts that import from folders of .clients; `imports` are statements."""

    def probe(context, folder):
        environment = {
            "PYTHONPATH": python_path(packages), "MPLBACKEND": "agg", "MPLCONFIGDIR": folder,
            "ROBOFLOW_CONFIG_DIR": os.path.join(folder, "none.json")}
        expect_ready(run([sys.executable, "-c", f"{imports}\nprint('ready')"], environment=environment, cwd=folder))

    return Runtime(probe, debian=debian, packages=packages)
