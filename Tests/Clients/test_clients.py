#!/usr/bin/env python3
"""Runs the programs of examples/ and the packages for the hosted API against the built server, and compares what they find.

Usage: test_clients.py [--program .build/debug/silhouette] [--only NAME,...] [--keep FOLDER] [--require-all]
       test_clients.py --missing [--only NAME,...]

A client whose runtime is missing is skipped with the reason. So is a client that fails while the probe of its runtime fails too:
see runtimes.py. With --require-all a skipped client is a failure, and the probe of a client that passes must pass as well.
--missing prints what is to be installed, for scripts/setup_clients.sh, which installs it.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from runtimes import (
    EXAMPLES, PROBES, PYPI, ROOT, Failed, Runtime, end, expect_ready, first_meaningful_line, python_path, python_runtime, run)

SAMPLE = os.path.join(ROOT, "models/tabletop/1/sample.jpg")
KEY = "rf_clients_test_key"
LINE = re.compile(r"^(.+?)  (\d+)%  at ([-\d.]+),([-\d.]+)  ([-\d.]+)x([-\d.]+)  (\d+) points$")


@contextlib.contextmanager
def serving(program, allowed, folder, models="models"):
    """The built server on a free port; gives its address."""
    folder = tempfile.mkdtemp(dir=folder)
    log_path = os.path.join(folder, "server.log")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SILHOUETTE_") or k == "SILHOUETTE_ORT_LIBRARY"}
    environment["SILHOUETTE_API_KEY"] = KEY
    with open(log_path, "w") as log:
        process = subprocess.Popen(
            [program, "serve", "--port", "0", "--models", models, "--state", os.path.join(folder, "state"), "--allow-fetch", allowed],
            cwd=ROOT, env=environment, stderr=log, stdout=log)
        try:
            for _ in range(600):
                text = open(log_path).read()
                found = re.search(r"Listening on (http://\S+)", text)
                if found and "Ready" in text:
                    break
                if process.poll() is not None:
                    raise SystemExit(f"the server ended early:\n{text}")
                time.sleep(0.05)
            else:
                raise SystemExit(f"the server did not become ready:\n{text}")
            yield found.group(1)
        finally:
            process.terminate()
            process.wait(timeout=30)
    if process.returncode != 0:
        raise SystemExit(f"the server ended with {process.returncode}:\n{open(log_path).read()[-2000:]}")
    if KEY in open(log_path).read():
        raise SystemExit("the key is in the server's log")


READY = b'{"state": "ready", "share": 0.5}'


class Web(http.server.SimpleHTTPRequestHandler):
    """The sample image, the pages for browsers and a place for their results, and what the probes of runtimes ask."""

    results = {}

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, directory=EXAMPLES, **more)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/sample.jpg" or path == "/browser/sample.jpg":
            return self.send(open(SAMPLE, "rb").read(), "image/jpeg")
        if path == "/browser/test.html":
            page = open(os.path.join(EXAMPLES, "browser/index.html")).read()
            return self.send((page + open(os.path.join(ROOT, "Tests/Clients/report.html")).read()).encode(), "text/html")
        if path == "/ready":
            return self.send(READY, "application/json")
        if path == "/probe/openapi.json":
            return self.send(open(os.path.join(PROBES, "openapi.json"), "rb").read(), "application/json")
        if path == "/probe.html":
            return self.send(open(os.path.join(PROBES, "browser/probe.html"), "rb").read(), "text/html")
        if path == "/surface.html":
            return self.send(open(os.path.join(ROOT, "Tests/Clients/surface.html"), "rb").read(), "text/html")
        return super().do_GET()

    def do_HEAD(self):
        if self.path.split("?")[0] == "/sample.jpg":
            return self.send(open(SAMPLE, "rb").read(), "image/jpeg", body=False)
        return super().do_HEAD()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.split("?")[0] == "/ready":
            return self.send(READY, "application/json")
        self.results[self.path] = json.loads(body)
        self.send(b"", "text/plain")

    def send(self, content, media_type, body=True):
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


class WebServer(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a browser that was ended
            super().handle_error(request, client_address)


def parsed(output):
    # The roboflow package says what it loads.
    rows = [LINE.match(line) for line in output.splitlines() if line.strip() and not line.startswith(("loading ", "version.model "))]
    if not rows or not all(rows):
        raise Failed(f"it printed something else: {output.strip()[:300]}")
    return [(row[1], *(float(value) for value in row.groups()[1:])) for row in rows]


def compare(found, expected, exact=True):
    """The same objects; a client that encodes the picture anew may see each a little differently."""
    if len(found) != len(expected):
        raise Failed(f"{len(found)} objects; expected {len(expected)}")
    if not exact:  # and so in another order, where two are equally sure
        found, expected = (sorted(rows, key=lambda row: (row[0], row[2] + row[3])) for rows in (found, expected))
    for one, other in zip(found, expected):
        slack = [1, 0.06, 0.06, 0.06, 0.06, 0] if exact else [6, 4, 4, 6, 6, 60]
        if one[0] != other[0] or any(abs(a - b) > limit for a, b, limit in zip(one[1:], other[1:], slack)):
            raise Failed(f"found {one}; expected {other}")


def version_of(*command):
    try:
        output = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    found = re.search(r"\d+(\.\d+)+", output.stdout + output.stderr)
    return found.group(0) if found else "?"


class Client:
    """What is tried, and the runtime that it needs. `attempt` raises where it fails; what it returns is printed."""

    def __init__(self, name, runtime, attempt):
        self.name, self.runtime, self.attempt = name, runtime, attempt

    def outcome(self, context, probing):
        """Passed, failed or skipped, and why. `probing`: the probe of the runtime must pass where the client does."""
        known = self.runtime.known(context)
        if known:
            return "skipped", f"{known}; {self.runtime.remedy}"
        try:
            detail = self.attempt(context)
        except Exception as reason:
            incomplete = self.runtime.incomplete(context)
            if incomplete:
                return "skipped", f"{incomplete}; {self.runtime.remedy}"
            return "failed", str(reason) if isinstance(reason, Failed) else f"{type(reason).__name__}: {reason}"
        incomplete = self.runtime.incomplete(context) if probing else None
        if incomplete:
            return "failed", f"the client passes, but the probe in Tests/Clients/probes does not: {incomplete}"
        return "passed", detail


def program(name, source, command, *, version, build=None, environment=None, commands=(), debian=(), by_hand=None, runtime=None):
    """An example: how its source is built and run. The probe of its runtime is built and run in the same way."""

    def launch(folder, sources):
        """Builds a source in a folder; returns what runs it."""
        fill = lambda parts, argument="": [part.format(source=os.path.join(sources, source), build=folder, argument=argument) for part in parts]
        own = {key: fill([value])[0] for key, value in (environment or {}).items()}
        if build:
            run(fill(build), cwd=folder, environment=own, timeout=400)
        return lambda argument, more: run(fill(command, argument), cwd=folder, environment={**own, **more})

    if runtime is None and not os.path.isfile(os.path.join(PROBES, source)):
        raise SystemExit(f"{name} has no probe: Tests/Clients/probes/{source}")

    def probe(context, folder):
        expect_ready(launch(folder, PROBES)(context.web + "/ready", {}))

    def attempt(context):
        launched = launch(tempfile.mkdtemp(dir=context.folder), EXAMPLES)
        more = {"SILHOUETTE_URL": context.server, "SILHOUETTE_API_KEY": KEY, "SILHOUETTE_MODEL": "tabletop/1"}
        for image in (SAMPLE, context.web + "/sample.jpg"):
            output = launched(image, more)
            if name == "curl":
                output = curl_output(output)
            compare(parsed(output), context.expected, exact="roboflow" not in name or image.startswith("http"))
        # A wrong key ends the program with an error, not with nothing found.
        try:
            launched(SAMPLE, {**more, "SILHOUETTE_API_KEY": "rf_wrong"})
        except Failed:
            pass
        else:
            if name != "curl":
                raise Failed("a wrong key is no error")
        return version if isinstance(version, str) else version_of(*version)

    return Client(name, runtime or Runtime(probe, commands, debian, by_hand=by_hand), attempt)


def curl_output(text):
    """Without jq the example prints the JSON itself."""
    if not text.startswith("{"):
        return text
    return "\n".join(
        f"{each['class']}  {round(each['confidence'] * 100)}%  at {each['x']},{each['y']}  {each['width']}x{each['height']}  {len(each['points'])} points"
        for each in json.loads(text)["predictions"])


def python_package(script, package, runtime):
    """A script of this folder that uses a package in every way that is promised."""

    def attempt(context):
        environment = {
            "PYTHONPATH": python_path([package]), "SERVER": context.server, "KEY": KEY, "PICTURE": SAMPLE, "PICTURE_URL": context.web + "/sample.jpg",
            "EXPECTED": str(sum(row[1] >= 60 for row in context.expected)), "API_URL": context.server, "INSTANCE_SEGMENTATION_URL": context.server,
            "OBJECT_DETECTION_URL": context.server, "ROBOFLOW_CONFIG_DIR": os.path.join(context.folder, "none.json"), "MPLBACKEND": "agg",
            "MPLCONFIGDIR": context.folder,
        }
        work = tempfile.mkdtemp(dir=context.folder)
        output = run([sys.executable, os.path.join(ROOT, "Tests/Clients", script)], environment=environment, cwd=work, timeout=300)
        if not output.strip().endswith("all passed"):
            raise Failed(output[-600:])
        return package.rpartition("-")[2]

    name, _, release = package.rpartition("-")
    return Client(f"python {name} {release}", runtime, attempt)


def opened(context, page, patience):
    """What a page leaves after it was opened in the browser."""
    Web.results.clear()
    profile = tempfile.mkdtemp(dir=context.folder)
    with open(os.path.join(profile, "browser.log"), "w+", encoding="utf-8", errors="replace") as log:
        try:
            process = subprocess.Popen(
                ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={profile}", f"{context.web}/{page}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        except OSError as reason:
            raise Failed(f"chromium cannot be started: {reason}") from None
        try:
            limit = time.time() + patience
            while "/result" not in Web.results and process.poll() is None and time.time() < limit:
                time.sleep(0.1)
        finally:
            end(process)
        log.seek(0)
        printed = log.read()
    if "/result" in Web.results:
        return Web.results["/result"]
    if process.returncode >= 0:
        raise Failed(f"chromium ended early with {process.returncode}: {first_meaningful_line(printed)}", printed)
    raise Failed(f"the page left no result within {patience} s", f"chromium shows no page within {patience} s")


def browser(name, page, check, runtime):
    def attempt(context):
        address = f"{page}?server={context.server}&key={KEY}&image={context.web}/sample.jpg"
        check(opened(context, address, patience=90), context)
        return version_of("chromium", "--version")

    return Client(name, runtime, attempt)


def browser_probe(context, folder):
    result = opened(context, "probe.html", patience=30)
    expect_ready(result["state"])


def check_page(result, context):
    if "error" in result:
        raise Failed(result["error"])
    rows = [(each["class"], each["confidence"] * 100, each["bbox"]["x"], each["bbox"]["y"], each["bbox"]["width"], each["bbox"]["height"], len(each["points"]))
            for each in result["inImage"]]
    compare(rows, context.expected, exact=False)
    if not result["inVideo"]:
        raise Failed("nothing was found in the video")
    if result["painted"] < 1000:
        raise Failed(f"only {result['painted']} pixels of outlines were painted")
    with open(os.path.join(context.folder, "browser.png"), "wb") as file:
        file.write(base64.b64decode(result["picture"].split(",")[1]))


def check_surface(result, context):
    wrong = [text for text in result["checks"] if not text.startswith("ok ")]
    if "error" in result or wrong or len(result["checks"]) < 15:
        raise Failed(f"{result.get('error', '')} {wrong} {len(result['checks'])} checks")


# The second brings supervision.
FORMATS_PACKAGES = ["pycocotools-2.0.11", "inference-sdk-1.8.3"]


def formats(context):
    """Every export format, read back by the tool that owns it: on real images where they lie next to the checkout."""
    shared = os.path.join(os.path.dirname(ROOT), "shared")
    models, model, confidence, pictures = "models", "tabletop/1", "40", [SAMPLE]
    images = os.path.join(shared, "data/coco-mini/images")
    names = sorted(os.listdir(images)) if os.path.isdir(images) else []
    if names and os.path.exists(os.path.join(shared, "models/yolo11n-seg/1/model.onnx")):
        models, model, confidence = os.path.join(shared, "models"), "yolo11n-seg/1", "10"
        pictures = [os.path.join(images, name) for name in names[::4]]
    with serving(context.program, "127.0.0.1:1", context.folder, models) as server:
        environment = {
            "PYTHONPATH": python_path(FORMATS_PACKAGES), "SERVER": server, "KEY": KEY, "MODEL": model, "CONFIDENCE": confidence, "PICTURES": ",".join(pictures)}
        output = run(
            [sys.executable, os.path.join(ROOT, "Tests/Clients/formats_check.py")], environment=environment, cwd=context.folder, timeout=400)
    if not output.strip().endswith("all passed"):
        raise Failed(output[-600:])
    print("\n".join(line for line in output.splitlines() if line.startswith("fidelity")))
    return output.splitlines()[-2]


SCHEMATHESIS = "schemathesis-4.32.5"


def schemathesis_run(*more, cwd, timeout):
    """Thousands of requests made from a schema: each must be answered as it says."""
    run(
        [sys.executable, os.path.join(python_path([SCHEMATHESIS]), "bin/st"), *more, "--suppress-health-check", "all", "--generation-deterministic",
         "--no-color"],
        environment={"PYTHONPATH": python_path([SCHEMATHESIS])}, cwd=cwd, timeout=timeout)


def schemathesis(context):
    schemathesis_run(
        "--config-file", os.path.join(ROOT, "Tests/Clients/schemathesis.toml"), "run",
        f"{context.server}/openapi.json", "-H", f"x-api-key: {KEY}", "--phases", "examples,coverage,fuzzing", "--max-time", "40",
        # What is not an image is refused although its schema allows it, and odd parameters are ignored as the hosted service does.
        "--exclude-checks", "positive_data_acceptance,negative_data_rejection", cwd=context.folder, timeout=300)
    return SCHEMATHESIS.rpartition("-")[2]


def schemathesis_probe(context, folder):
    schemathesis_run(
        "run", f"{context.web}/probe/openapi.json", "--phases", "fuzzing", "--max-examples", "1", cwd=folder, timeout=60)


def clients():
    axios = {"NODE_PATH": "/usr/share/nodejs:/usr/lib/nodejs"}
    yield program(
        "curl", "curl/segment.sh", ["bash", "{source}", "{argument}"], version=["curl", "--version"], commands=["curl", "base64"],
        debian=["curl", "jq"])
    yield program(
        "node fetch", "node/segment.mjs", ["node", "{source}", "{argument}"], version=["node", "--version"], commands=["node"], debian=["nodejs"])
    yield program(
        "node axios", "node/axios.cjs", ["node", "{source}", "{argument}"],
        version=["env", "NODE_PATH=" + axios["NODE_PATH"], "node", "-p", "require('axios/package.json').version"], environment=axios, commands=["node"], debian=["nodejs", "node-axios"])
    yield program(
        "swift", "swift/segment.swift", ["{build}/segment", "{argument}"], version=["swiftc", "--version"],
        build=["swiftc", "{source}", "-o", "{build}/segment"], commands=["swiftc"], by_hand="a complete toolchain is at https://www.swift.org/install")
    yield program(
        "objective-c", "objective-c/segment.m", ["{build}/segment", "{argument}"], version=["gcc", "--version"],
        build=["bash", "-c", "gcc {source} $(gnustep-config --objc-flags) $(gnustep-config --base-libs) -o {build}/segment"],
        commands=["gcc", "gnustep-config"], debian=["gcc", "libc6-dev", "gnustep-make", "gobjc", "libgnustep-base-dev"])
    yield program(
        "java", "java/Segment.java", ["java", "{source}", "{argument}"], version=["java", "--version"], commands=["java"],
        debian=["default-jdk-headless"])
    yield program(
        "kotlin", "kotlin/segment.kt", ["java", "-jar", "{build}/segment.jar", "{argument}"], version=["kotlinc", "-version"],
        build=["kotlinc", "{source}", "-include-runtime", "-d", "{build}/segment.jar"], commands=["kotlinc", "java"],
        debian=["kotlin", "default-jdk-headless"])
    yield program(
        "ruby httparty", "ruby/segment.rb", ["ruby", "{source}", "{argument}"],
        version=["ruby", "-r", "httparty", "-e", "puts HTTParty::VERSION"], commands=["ruby"], debian=["ruby", "ruby-httparty"])
    yield program("php", "php/segment.php", ["php", "{source}", "{argument}"], version=["php", "--version"], commands=["php"], debian=["php-cli"])
    yield program(
        "go", "go/segment.go", ["{build}/segment", "{argument}"], version=["go", "version"], build=["go", "build", "-o", "{build}/segment", "{source}"],
        commands=["go"], debian=["golang-go"])
    yield program(
        "c#", "csharp/Segment.cs", ["mono", "{build}/Segment.exe", "{argument}"], version=["mono", "--version"],
        build=["mcs", "{source}", "-r:System.Web.Extensions", "-out:{build}/Segment.exe"], commands=["mcs", "mono"],
        debian=["mono-mcs", "mono-runtime", "libmono-system-web-extensions4.0-cil"])
    yield program(
        "elixir", "elixir/segment.exs", ["elixir", "{source}", "{argument}"], version=["elixir", "--short-version"], commands=["elixir"],
        debian=["elixir", "erlang-inets", "erlang-ssl"])

    chromium = Runtime(browser_probe, ["chromium"], ["chromium"], eager=True)
    yield browser("browser", "browser/test.html", check_page, chromium)
    yield browser("browser surface", "surface.html", check_surface, chromium)

    roboflow = {
        package: python_runtime([package], "import roboflow, roboflow.roboflowpy, PIL.Image, matplotlib.pyplot, cv2")
        for package in PYPI if package.startswith("roboflow-")}
    inference_sdk = python_runtime(
        ["inference-sdk-1.8.3"], "import inference_sdk, numpy, supervision, PIL.Image\nfrom inference_sdk import InferenceHTTPClient")
    yield program(
        "python roboflow example", "python-roboflow/segment.py", [sys.executable, "{source}", "{argument}"], version="1.7.3",
        environment={"PYTHONPATH": python_path(["roboflow-1.7.3"]), "MPLCONFIGDIR": "{build}"}, runtime=roboflow["roboflow-1.7.3"])
    for package, runtime in roboflow.items():
        yield python_package("roboflow_package.py", package, runtime)
    yield program(
        "python inference-sdk example", "python-inference-sdk/segment.py", [sys.executable, "{source}", "{argument}"], version="1.8.3",
        environment={"PYTHONPATH": python_path(["inference-sdk-1.8.3"])}, runtime=inference_sdk)
    yield python_package("inference_sdk_package.py", "inference-sdk-1.8.3", inference_sdk)
    # The check also compares lists in a way that Python has since 3.10.
    yield Client("export formats", python_runtime(
        FORMATS_PACKAGES,
        "import cv2, numpy, shapely, supervision, PIL.Image, pycocotools.coco, pycocotools.mask\nlist(zip([], strict=True))"), formats)
    yield Client("schemathesis", Runtime(schemathesis_probe, packages=[SCHEMATHESIS]), schemathesis)


class Context:
    """Where probes and clients find the web server of the tests and a folder of their own."""

    server, expected = None, None

    def __init__(self, web, folder, program):
        self.web, self.folder, self.program = web, folder, program

    def use(self, server):
        """Takes the objects that the server itself finds in the sample as what the clients are to find."""
        self.server = server
        request = urllib.request.Request(f"{server}/tabletop/1?api_key={KEY}", data=open(SAMPLE, "rb").read(), method="POST")
        answer = json.load(urllib.request.urlopen(request))
        self.expected = [
            (each["class"], each["confidence"] * 100, each["x"], each["y"], each["width"], each["height"], len(each["points"]))
            for each in answer["predictions"]]
        if len(self.expected) < 3:
            raise SystemExit("the sample has too few objects to compare with")


def prepare_environment(folder):
    """Everything is on this machine, so that no proxy is to be asked; and several runtimes need a home where they can write."""
    for name in list(os.environ):
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            del os.environ[name]
    home = os.environ.get("HOME", "")
    if not (os.path.isdir(home) and os.access(home, os.W_OK)):
        os.environ["HOME"] = tempfile.mkdtemp(prefix="home-", dir=folder)


def print_missing(tried, context):
    """Prints a line for each thing to install, its fields separated by tabs, and one for each client that cannot run."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        found = list(pool.map(lambda client: client.runtime.incomplete(context), tried))
    lines = {}
    for client, incomplete in zip(tried, found):
        if incomplete:
            lines.update({f"debian\t{package}": None for package in client.runtime.debian})
            lines.update({"\t".join(["pypi", package, *PYPI[package]]): None for package in client.runtime.packages})
            lines[f"client\t{client.name}\t{incomplete}"] = None
    for line in lines:
        print(line)


def try_all(tried, context, require_all):
    """Tries the clients and prints what came of each; returns whether that is good."""
    names = {"passed": [], "failed": [], "skipped": []}
    for client in tried:
        start = time.time()
        outcome, detail = client.outcome(context, probing=require_all)
        names[outcome].append(client.name)
        print(f"client  {client.name:30} {outcome:8} {time.time() - start:5.1f} s  {detail}", flush=True)
    for outcome in ("failed", "skipped"):
        if names[outcome]:
            print(f"clients: {outcome}: {', '.join(names[outcome])}")
    print("clients: " + ", ".join(f"{len(each)} {outcome}" for outcome, each in names.items()))
    if require_all and names["skipped"]:
        print("clients: all are required here, so that a skipped client is a failure")
    return not names["failed"] and not (require_all and names["skipped"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=os.path.join(ROOT, ".build/debug/silhouette"))
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", help="leave what was made in this folder")
    parser.add_argument("--require-all", action="store_true", help="a skipped client is a failure")
    parser.add_argument("--missing", action="store_true", help="print what is to be installed instead of trying the clients")
    arguments = parser.parse_args()
    folder = arguments.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    prepare_environment(folder)
    tried = [client for client in clients() if not arguments.only or any(part in client.name for part in arguments.only.split(","))]
    web = WebServer(("127.0.0.1", 0), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{web.server_port}"
    context = Context(f"http://{address}", folder, arguments.program)
    try:
        if arguments.missing:
            return print_missing(tried, context)
        with serving(arguments.program, address, folder) as server:
            context.use(server)
            good = try_all(tried, context, arguments.require_all)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
