"""Usage: segment.py PICTURE|ADDRESS [ANNOTATED.jpg]

The roboflow package finds the server through variables of its own, which it reads when it is imported.
"""

import os
import sys

server = os.environ.get("SILHOUETTE_URL", "http://127.0.0.1:9001")
for name in ("API_URL", "INSTANCE_SEGMENTATION_URL", "OBJECT_DETECTION_URL"):
    os.environ.setdefault(name, server)

from roboflow import Roboflow  # noqa: E402  (after the variables are set)

project, version = os.environ.get("SILHOUETTE_MODEL", "tabletop/1").split("/")
rf = Roboflow(api_key=os.environ.get("SILHOUETTE_API_KEY") or "rf_none")
model = rf.workspace().project(project).version(version).model

found = model.predict(sys.argv[1], confidence=40)
for each in found.json()["predictions"]:
    print(
        f"{each['class']}  {each['confidence']:.0%}  at {each['x']:g},{each['y']:g}  "
        f"{each['width']:g}x{each['height']:g}  {len(each['points'])} points"
    )
if len(sys.argv) > 2:
    found.save(sys.argv[2])
