"""Usage: segment.py PICTURE|ADDRESS"""

import os
import sys

from inference_sdk import InferenceConfiguration, InferenceHTTPClient

client = InferenceHTTPClient(
    api_url=os.environ.get("SILHOUETTE_URL", "http://127.0.0.1:9001"),
    api_key=os.environ.get("SILHOUETTE_API_KEY"),
)
client.configure(InferenceConfiguration(confidence_threshold=0.4))

found = client.infer(sys.argv[1], model_id=os.environ.get("SILHOUETTE_MODEL", "tabletop/1"))
for each in found["predictions"]:
    print(
        f"{each['class']}  {each['confidence']:.0%}  at {each['x']:g},{each['y']:g}  "
        f"{each['width']:g}x{each['height']:g}  {len(each['points'])} points"
    )
