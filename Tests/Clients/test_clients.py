#!/usr/bin/env python3
"""Runs the programs of examples/ and the packages for the hosted API against the built server, and compares what they find.

Usage: test_clients.py [--program .build/debug/silhouette] [--only NAME,...] [--keep FOLDER]

A client whose runtime is not installed is skipped with the reason; scripts/setup_clients.sh installs all of them.
"""

import argparse
import base64
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

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "examples")
PACKAGES = os.path.join(ROOT, ".clients")
SAMPLE = os.path.join(ROOT, "models/tabletop/1/sample.jpg")
KEY = "rf_clients_test_key"
LINE = re.compile(r"^(.+?)  (\d+)%  at ([-\d.]+),([-\d.]+)  ([-\d.]+)x([-\d.]+)  (\d+) points$")


class Skipped(Exception):
    """The client cannot run here."""


class Failed(Exception):
    """The client did not do what it should."""


def run(command, *, cwd=None, environment=None, timeout=120):
    result = subprocess.run(command, cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=timeout)
    if result.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {result.returncode}: {(result.stderr or result.stdout).strip()[-600:]}")
    return result.stdout


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


class Web(http.server.SimpleHTTPRequestHandler):
    """The sample picture, the pages for browsers, and a place where these leave their results."""

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
        if path == "/surface.html":
            return self.send(open(os.path.join(ROOT, "Tests/Clients/surface.html"), "rb").read(), "text/html")
        return super().do_GET()

    def do_HEAD(self):
        if self.path.split("?")[0] == "/sample.jpg":
            return self.send(open(SAMPLE, "rb").read(), "image/jpeg", body=False)
        return super().do_HEAD()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
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


def need(*commands):
    for command in commands:
        if shutil.which(command) is None:
            raise Skipped(f"{command} is not installed")


def version_of(*command):
    output = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+(\.\d+)+", output.stdout + output.stderr)
    return found.group(0) if found else "?"


class Client:
    """An example program: what it needs, how it is built and run."""

    def __init__(self, name, needs, version, command, build=None, environment=None, available=lambda: None):
        self.name, self.needs, self.version, self.command, self.build = name, needs, version, command, build
        self.environment, self.available = environment or {}, available

    def try_out(self, context):
        need(*self.needs)
        self.available()
        build = os.path.join(context.folder, self.name.replace(" ", "-"))
        os.makedirs(build)
        fill = lambda parts, picture="": [part.format(examples=EXAMPLES, build=build, picture=picture, packages=PACKAGES) for part in parts]
        if self.build:
            run(fill(self.build), cwd=build, timeout=400)
        environment = {
            "SILHOUETTE_URL": context.server, "SILHOUETTE_API_KEY": KEY, "SILHOUETTE_MODEL": "tabletop/1",
            **{name: fill([value])[0] for name, value in self.environment.items()},
        }
        for picture in (SAMPLE, context.web + "/sample.jpg"):
            output = run(fill(self.command, picture), cwd=build, environment=environment)
            if self.name == "curl":
                output = curl_output(output)
            compare(parsed(output), context.expected, exact="roboflow" not in self.name or picture.startswith("http"))
        # A wrong key ends the program with an error, not with nothing found.
        try:
            run(fill(self.command, SAMPLE), cwd=build, environment={**environment, "SILHOUETTE_API_KEY": "rf_wrong"})
        except Failed:
            pass
        else:
            if self.name != "curl":
                raise Failed("a wrong key is no error")
        return version_of(*fill(self.version)) if isinstance(self.version, list) else self.version(fill)


def curl_output(text):
    """Without jq the example prints the JSON itself."""
    if not text.startswith("{"):
        return text
    return "\n".join(
        f"{each['class']}  {round(each['confidence'] * 100)}%  at {each['x']},{each['y']}  {each['width']}x{each['height']}  {len(each['points'])} points"
        for each in json.loads(text)["predictions"])


def package_folder(name, version):
    """Where scripts/setup_clients.sh put a package."""
    folder = os.path.join(PACKAGES, f"{name}-{version}")
    if not os.path.isdir(folder):
        raise Skipped(f"{name} {version} is not in .clients; scripts/setup_clients.sh installs it")
    return folder


def python_package(script, name, version):
    """A script of this folder that uses a package in every way that is promised."""

    def try_out(context):
        folder = package_folder(name, version)
        environment = {
            "PYTHONPATH": folder, "SERVER": context.server, "KEY": KEY, "PICTURE": SAMPLE, "PICTURE_URL": context.web + "/sample.jpg",
            "EXPECTED": str(sum(row[1] >= 60 for row in context.expected)), "API_URL": context.server, "INSTANCE_SEGMENTATION_URL": context.server,
            "OBJECT_DETECTION_URL": context.server, "ROBOFLOW_CONFIG_DIR": os.path.join(context.folder, "none.json"), "MPLBACKEND": "agg",
            "MPLCONFIGDIR": context.folder,
        }
        work = tempfile.mkdtemp(dir=context.folder)
        output = run([sys.executable, os.path.join(ROOT, "Tests/Clients", script)], environment=environment, cwd=work, timeout=300)
        if not output.strip().endswith("all passed"):
            raise Failed(output[-600:])
        return version

    return try_out


def browser(page, check):
    def try_out(context):
        need("chromium")
        Web.results.clear()
        profile = tempfile.mkdtemp(dir=context.folder)
        address = f"{context.web}/{page}?server={context.server}&key={KEY}&image={context.web}/sample.jpg"
        process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={profile}", address],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.time() + 90
            while "/result" not in Web.results and time.time() < end:
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
        if "/result" not in Web.results:
            raise Failed("the page left no result within 90 s")
        check(Web.results["/result"], context)
        return version_of("chromium", "--version")

    return try_out


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


def formats(context):
    """Every export format, read back by the tool that owns it: on real pictures where they lie beside the checkout."""
    # The second brings supervision.
    folders = os.pathsep.join([package_folder("pycocotools", "2.0.11"), package_folder("inference-sdk", "1.8.3")])
    shared = os.path.join(os.path.dirname(ROOT), "shared")
    models, model, confidence, pictures = "models", "tabletop/1", "40", [SAMPLE]
    if os.path.exists(os.path.join(shared, "models/yolo11n-seg/1/model.onnx")):
        models, model, confidence = os.path.join(shared, "models"), "yolo11n-seg/1", "10"
        images = os.path.join(shared, "data/coco-mini/images")
        pictures = [os.path.join(images, name) for name in sorted(os.listdir(images))[::4]]
    with serving(context.program, "127.0.0.1:1", context.folder, models) as server:
        environment = {
            "PYTHONPATH": folders, "SERVER": server, "KEY": KEY, "MODEL": model, "CONFIDENCE": confidence, "PICTURES": ",".join(pictures)}
        output = run(
            [sys.executable, os.path.join(ROOT, "Tests/Clients/formats_check.py")], environment=environment, cwd=context.folder, timeout=400)
    if not output.strip().endswith("all passed"):
        raise Failed(output[-600:])
    print("\n".join(line for line in output.splitlines() if line.startswith("fidelity")))
    return output.splitlines()[-2]


def schemathesis(context):
    """Thousands of requests made from /openapi.json: each must be answered as that says."""
    folder = package_folder("schemathesis", "4.32.5")
    run(
        [sys.executable, os.path.join(folder, "bin/st"), "--config-file", os.path.join(ROOT, "Tests/Clients/schemathesis.toml"), "run",
         f"{context.server}/openapi.json", "-H", f"x-api-key: {KEY}", "--phases", "examples,coverage,fuzzing", "--max-time", "40",
         # What is no picture is refused although its schema allows it, and odd parameters are ignored as the hosted service does.
         "--exclude-checks", "positive_data_acceptance,negative_data_rejection", "--suppress-health-check", "all",
         "--generation-deterministic", "--no-color"],
        environment={"PYTHONPATH": folder}, cwd=context.folder, timeout=300)
    return "4.32.5"


def clients():
    node_has_axios = lambda: run(["node", "-e", "require('axios')"], environment={"NODE_PATH": "/usr/share/nodejs:/usr/lib/nodejs"})

    def axios():
        try:
            node_has_axios()
        except Failed:
            raise Skipped("axios is not installed") from None

    yield "curl", Client("curl", ["curl", "base64"], ["curl", "--version"], ["bash", "{examples}/curl/segment.sh", "{picture}"]).try_out
    yield "node fetch", Client("node fetch", ["node"], ["node", "--version"], ["node", "{examples}/node/segment.mjs", "{picture}"]).try_out
    yield "node axios", Client(
        "node axios", ["node"], ["node", "-p", "require('axios/package.json').version"], ["node", "{examples}/node/axios.cjs", "{picture}"],
        environment={"NODE_PATH": "/usr/share/nodejs:/usr/lib/nodejs"}, available=axios).try_out
    yield "swift", Client(
        "swift", ["swiftc"], ["swiftc", "--version"], ["{build}/segment", "{picture}"],
        build=["swiftc", "{examples}/swift/segment.swift", "-o", "{build}/segment"]).try_out
    yield "objective-c", Client(
        "objective-c", ["gcc", "gnustep-config"], ["gcc", "--version"], ["{build}/segment", "{picture}"],
        build=["bash", "-c", "gcc {examples}/objective-c/segment.m $(gnustep-config --objc-flags) $(gnustep-config --base-libs) -o {build}/segment"]).try_out
    yield "java", Client("java", ["java", "javac"], ["java", "--version"], ["java", "{examples}/java/Segment.java", "{picture}"]).try_out
    yield "kotlin", Client(
        "kotlin", ["kotlinc", "java"], ["kotlinc", "-version"], ["java", "-jar", "{build}/segment.jar", "{picture}"],
        build=["kotlinc", "{examples}/kotlin/segment.kt", "-include-runtime", "-d", "{build}/segment.jar"]).try_out
    yield "ruby httparty", Client("ruby httparty", ["ruby", "httparty"], ["httparty", "--version"], ["ruby", "{examples}/ruby/segment.rb", "{picture}"]).try_out
    yield "php", Client("php", ["php"], ["php", "--version"], ["php", "{examples}/php/segment.php", "{picture}"]).try_out
    yield "go", Client(
        "go", ["go"], ["go", "version"], ["{build}/segment", "{picture}"],
        build=["go", "build", "-o", "{build}/segment", "{examples}/go/segment.go"], environment={"HOME": "{build}"}).try_out
    yield "c#", Client(
        "c#", ["mcs", "mono"], ["mono", "--version"], ["mono", "{build}/Segment.exe", "{picture}"],
        build=["mcs", "{examples}/csharp/Segment.cs", "-r:System.Web.Extensions", "-out:{build}/Segment.exe"]).try_out
    yield "elixir", Client("elixir", ["elixir"], ["elixir", "--short-version"], ["elixir", "{examples}/elixir/segment.exs", "{picture}"]).try_out
    yield "browser", browser("browser/test.html", check_page)
    yield "browser surface", browser("surface.html", check_surface)
    yield "python roboflow example", Client(
        "python roboflow", [], lambda fill: "1.7.3", [sys.executable, "{examples}/python-roboflow/segment.py", "{picture}"],
        environment={"PYTHONPATH": "{packages}/roboflow-1.7.3", "MPLCONFIGDIR": "{build}"},
        available=lambda: package_folder("roboflow", "1.7.3")).try_out
    for version in ("1.1.30", "1.2.9", "1.7.3"):
        yield f"python roboflow {version}", python_package("roboflow_package.py", "roboflow", version)
    yield "python inference-sdk example", Client(
        "python inference-sdk", [], lambda fill: "1.8.3", [sys.executable, "{examples}/python-inference-sdk/segment.py", "{picture}"],
        environment={"PYTHONPATH": "{packages}/inference-sdk-1.8.3"}, available=lambda: package_folder("inference-sdk", "1.8.3")).try_out
    yield "python inference-sdk 1.8.3", python_package("inference_sdk_package.py", "inference-sdk", "1.8.3")
    yield "export formats", formats
    yield "schemathesis", schemathesis


class Context:
    def __init__(self, server, web, folder, program):
        self.server, self.web, self.folder, self.program = server, web, folder, program
        request = urllib.request.Request(f"{server}/tabletop/1?api_key={KEY}", data=open(SAMPLE, "rb").read(), method="POST")
        answer = json.load(urllib.request.urlopen(request))
        self.expected = [
            (each["class"], each["confidence"] * 100, each["x"], each["y"], each["width"], each["height"], len(each["points"]))
            for each in answer["predictions"]]
        if len(self.expected) < 3:
            raise SystemExit("the sample has too few objects to compare with")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=os.path.join(ROOT, ".build/debug/silhouette"))
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", help="leave what was made in this folder")
    arguments = parser.parse_args()
    folder = arguments.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{web.server_port}"
    try:
        with serving(arguments.program, address, folder) as server:
            context = Context(server, f"http://{address}", folder, arguments.program)
            for name, try_out in clients():
                if arguments.only and not any(part in name for part in arguments.only.split(",")):
                    continue
                start = time.time()
                try:
                    outcome, detail = "passed", try_out(context)
                except Skipped as reason:
                    outcome, detail = "skipped", str(reason)
                except (Failed, subprocess.TimeoutExpired) as reason:
                    outcome, detail = "failed", str(reason)
                counts[outcome] += 1
                print(f"client  {name:30} {outcome:8} {time.time() - start:5.1f} s  {detail}", flush=True)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"clients: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] else 0)


main()
