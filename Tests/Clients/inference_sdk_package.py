"""The inference-sdk package, unmodified, in both of its modes. Settings come from the environment."""

import os
import sys

import numpy
import supervision
from inference_sdk import InferenceConfiguration, InferenceHTTPClient
from inference_sdk.http.errors import HTTPCallErrorError
from PIL import Image

server, key, picture, address, expected = (os.environ[name] for name in ("SERVER", "KEY", "PICTURE", "PICTURE_URL", "EXPECTED"))
expected = int(expected)
with Image.open(picture) as opened:
    width, height = opened.size


def check(name, is_true, found=None):
    if not is_true:
        sys.exit(f"{name}: {found!r}")
    print("ok", name)


def core(answer):
    return [(each["x"], each["y"], each["width"], each["height"], each["confidence"], each["class"], len(each["points"])) for each in answer["predictions"]]


answers = {}
for mode in ("v0", "v1"):
    client = InferenceHTTPClient(api_url=server, api_key=key)
    (client.select_api_v0 if mode == "v0" else client.select_api_v1)()
    # No object is near this threshold, so that encoding the picture anew moves none across it.
    client.configure(InferenceConfiguration(confidence_threshold=0.6))
    answers[mode] = client.infer(picture, model_id="tabletop/1")
    check(f"{mode}: infer(path)", len(answers[mode]["predictions"]) == expected)
    check(f"{mode}: infer(url)", core(client.infer(address, model_id="tabletop/1")) == core(answers[mode]))
    with Image.open(picture) as image:
        image.load()
        check(f"{mode}: infer(PIL)", len(client.infer(image, model_id="tabletop/1")["predictions"]) == expected)
        array = numpy.asarray(image)[:, :, ::-1]
        check(f"{mode}: infer(array)", len(client.infer(array, model_id="tabletop/1")["predictions"]) == expected)
    many = client.infer([picture, picture, address], model_id="tabletop/1")
    check(f"{mode}: infer(list)", len(many) == 3 and all(core(one) == core(answers[mode]) for one in many))
    detections = supervision.Detections.from_inference(answers[mode])
    check(f"{mode}: supervision reads masks", detections.mask is not None and detections.mask.shape == (expected, height, width))

    client.configure(InferenceConfiguration(confidence_threshold=0.999, iou_threshold=0.5))
    check(f"{mode}: confidence_threshold", len(client.infer(picture, model_id="tabletop/1")["predictions"]) == 0)
    client.configure(InferenceConfiguration(max_detections=2, visualize_predictions=True, visualize_labels=True, stroke_width=3))
    few = client.infer(picture, model_id="tabletop/1")
    check(f"{mode}: max_detections", len(few["predictions"]) == 2)
    if mode == "v1":
        check("v1: visualization", len(few["visualization"]) > 10_000)
        client.configure(InferenceConfiguration(class_filter=["nothing"]))
        check("v1: class_filter", client.infer(picture, model_id="tabletop/1")["predictions"] == [])
    client.configure(InferenceConfiguration(mask_decode_mode="fast", confidence_threshold=0.6))
    coarse = client.infer(picture, model_id="tabletop/1")
    check(f"{mode}: mask_decode_mode", sum(len(each["points"]) for each in coarse["predictions"]) < sum(len(each["points"]) for each in answers[mode]["predictions"]))
    client.configure(InferenceConfiguration(response_mask_format="rle")) if "response_mask_format" in InferenceConfiguration.__dataclass_fields__ else None
    client.configure(InferenceConfiguration(client_downsizing_disabled=False, default_max_input_size=640, confidence_threshold=0.6))
    small = client.infer(picture, model_id="tabletop/1")
    check(f"{mode}: downsizing", len(small["predictions"]) >= expected - 1 and abs(small["predictions"][0]["x"] - answers[mode]["predictions"][0]["x"]) < 20)

    for name, model, status in (("an unknown model", "tabletop/9", 404), ("an unknown dataset", "nothing/1", 404)):
        try:
            client.infer(picture, model_id=model)
            check(f"{mode}: {name} is an error", False)
        except HTTPCallErrorError as error:
            check(f"{mode}: {name} is an error", error.status_code == status and "tabletop/1" in error.api_message, (error.status_code, error.api_message))
    try:
        wrong = InferenceHTTPClient(api_url=server, api_key="rf_wrong")
        (wrong.select_api_v0 if mode == "v0" else wrong.select_api_v1)()
        wrong.infer(picture, model_id="tabletop/1")
        check(f"{mode}: a wrong key is an error", False)
    except HTTPCallErrorError as error:
        check(f"{mode}: a wrong key is an error", error.status_code in (401, 403), error.status_code)

check("both modes give the same", core(answers["v0"]) == core(answers["v1"]))
client = InferenceHTTPClient(api_url=server, api_key=key)
check("get_server_info", client.get_server_info().name == "Silhouette")
check("list_loaded_models", [each.model_id for each in client.list_loaded_models().models] == ["tabletop/1"])
check("load_model", client.load_model("tabletop/1").models[0].task_type == "instance-segmentation")
try:
    client.unload_model("tabletop/1")
    check("unloading without a key is refused", False)
except HTTPCallErrorError as error:
    check("unloading without a key is refused", error.status_code == 401 and "Unauthorized" in error.api_message, error)
client.configure(InferenceConfiguration(api_key_transport="header")) if "api_key_transport" in InferenceConfiguration.__dataclass_fields__ else None
if "api_key_transport" in InferenceConfiguration.__dataclass_fields__:
    client.unload_model("tabletop/1")
    client.unload_all_models()
    check("unload_model and unload_all_models with a key in the header", True)
again = client.infer(picture, model_id="tabletop/1")["predictions"]
check("a model that was unloaded is opened again", sum(each["confidence"] >= 0.6 for each in again) == expected)
print("all passed")
