"""The roboflow package, unmodified, in every way that programs use it. Settings come from the environment."""

import json
import os
import subprocess
import sys

import roboflow
from roboflow import Roboflow

key, picture, address, expected = (os.environ[name] for name in ("KEY", "PICTURE", "PICTURE_URL", "EXPECTED"))
expected = int(expected)
release = tuple(int(part) for part in roboflow.__version__.split(".")[:2])


def check(name, is_true, found=None):
    if not is_true:
        sys.exit(f"{name}: {found!r}")
    print("ok", name)


rf = Roboflow(api_key=key)
for workspace in (rf.workspace(), rf.workspace("their-team")):
    project = workspace.project("tabletop")
    model = project.version(1).model
    found = model.predict(picture, confidence=60)
    answer = found.json()
    check(f"predict(file) in {workspace.url}", len(answer["predictions"]) == expected, len(answer["predictions"]))
    check("every prediction has its outline", all(len(each["points"]) >= 3 and each["class"] in ("coin", "die", "bolt", "pen") for each in answer["predictions"]))
check("predict(url)", len(model.predict(address, confidence=60).json()["predictions"]) == expected)
check("a threshold is kept to", len(model.predict(picture, confidence=100).json()["predictions"]) == 0)
found.save("group.jpg")
check("save()", os.path.getsize("group.jpg") > 10_000)
found[0].save("one.jpg")
check("save() of one prediction", os.path.getsize("one.jpg") > 10_000)
found.plot()
check("plot()", True)
check("versions()", [str(version.version) for version in project.versions()] == ["1"] if release >= (1, 1) else True)
if hasattr(project.version(1), "models"):
    models = project.version(1).models()
    check("version.models()", len(models) == 1, models)
    check("models()[0].predict()", len(models[0].predict(picture, confidence=60, overlap=30).json()["predictions"]) == expected)
try:
    rf.workspace().project("tabletop").version(7)
    check("an unknown version is an error", False)
except RuntimeError as error:
    check("an unknown version is an error", "not found" in str(error), str(error))
try:
    rf.workspace().project("nothing")
    check("an unknown project is an error", False)
except Exception as error:
    check("an unknown project is an error", "nothing" in str(error), str(error))
try:
    Roboflow(api_key="rf_wrong_key").workspace()
    check("a wrong key is an error", False)
except Exception as error:
    check("a wrong key is an error", "revoked" in str(error) or "API key" in str(error) or "api key" in str(error), str(error))
if release >= (1, 2):
    server = os.environ["SERVER"]
    settings = {
        "API_URL": server, "INSTANCE_SEGMENTATION_URL": server, "OBJECT_DETECTION_URL": server,
        "workspaces": {"w": {"url": "home", "name": "Home", "apiKey": key}}, "RF_WORKSPACE": "w",
    }
    with open("config.json", "w") as file:
        json.dump(settings, file)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"ROBOFLOW_CONFIG_DIR": os.path.abspath("config.json"), "ROBOFLOW_API_KEY": key}
    line = subprocess.run(
        [sys.executable, "-c", "from roboflow.roboflowpy import main; main()", "infer", "-m", "tabletop/1", picture],
        env=environment, capture_output=True, text=True)
    check("the command line, by its configuration file", line.returncode == 0 and "coin" in line.stdout, line.stdout[-300:] + line.stderr[-500:])
print("all passed")
