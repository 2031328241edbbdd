"""Makes Tests/TestSupport/Fixtures/packages.json: what Roboflow's engine feeds a network for every way of preparing images that its
packages name. Needs: pip install inference-models==0.39.6 (and torch, torchvision, scikit-image, which it needs itself).

The images are noise with a gradient; of each input the bytes before scaling are kept, or the numbers where they are normalized.
See Tests/InstanceSegmentationTests/RoboflowPackageTests.swift.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from inference_models.models.common.roboflow.model_packages import InferenceConfig, ResizeMode
from inference_models.models.common.roboflow.pre_processing import pre_process_network_input
from inference_models.models.rfdetr.pre_processing import pre_process_network_input as pre_process_rfdetr

FIXTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Tests/TestSupport/Fixtures/packages.json")
IMAGENET = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]
CONTRASTS = ("Adaptive Equalization", "Contrast Stretching", "Histogram Equalization")


def image(width: int, height: int, seed: int) -> np.ndarray:
    """Noise over a gradient, so that neighbors are alike and contrast steps have something to do."""
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    ramp = np.linspace(20, 180, width)[None, :, None] * np.linspace(0.4, 1, height)[:, None, None]
    return np.clip(ramp * np.array([1, 0.8, 0.5]) + noise, 0, 255).astype(np.uint8)


def config(mode: str, size: tuple[int, int] = (32, 24), before: dict[str, Any] | None = None, **network: Any) -> dict[str, Any]:
    return {
        "image_pre_processing": before or {},
        "network_input": {
            "training_input_size": {"width": size[0], "height": size[1]}, "dynamic_spatial_size_supported": False,
            "color_mode": "rgb",
            "resize_mode": mode, "padding_value": None, "input_channels": 3, "scaling_factor": 255, "normalization": None,
            **network},
        "post_processing": {"type": "nms", "fused": False}}


def cases() -> Iterator[tuple[str, int, dict[str, Any]]]:
    for mode in ("stretch", "letterbox", "letterbox-reflect-edges", "center-crop", "fit-longer-edge"):
        for family in ("yolo", "rfdetr"):
            for picture in range(3):
                yield family, picture, config(mode)
    yield "yolo", 0, config("letterbox", padding_value=127)
    yield "yolo", 1, config("center-crop", size=(64, 64), padding_value=127)
    yield "yolo", 0, config("stretch", color_mode="bgr")
    yield "yolo", 0, config("letterbox", normalization=IMAGENET)
    yield "yolo", 0, config("letterbox", scaling_factor=None)
    yield "rfdetr", 0, config("stretch", normalization=IMAGENET)
    for mode in ("letterbox", "center-crop", "letterbox-reflect-edges", "fit-longer-edge", "stretch"):
        for picture in range(2):
            yield "rfdetr", picture, config(mode, (32, 32), dataset_version_resize_dimensions={"width": 48, "height": 30},
                                            padding_value=127)
    crop = {"enabled": True, "x_min": 13, "x_max": 81, "y_min": 7, "y_max": 96}
    yield "yolo", 0, config("stretch", before={"static-crop": crop})
    yield "yolo", 0, config("center-crop", before={"static-crop": crop})
    yield "rfdetr", 0, config("letterbox", (32, 32), {"static-crop": crop},
                              dataset_version_resize_dimensions={"width": 40, "height": 20})
    yield "yolo", 0, config("stretch", before={"grayscale": {"enabled": True}})
    for contrast in CONTRASTS:
        for picture in range(3):
            yield "yolo", picture, config("center-crop", (48, 40), {"contrast": {"enabled": True, "type": contrast}})
        both = {"grayscale": {"enabled": True}, "contrast": {"enabled": True, "type": contrast}, "static-crop": crop}
        yield "yolo", 0, config("center-crop", (48, 40), both)


def prepared(family: str, pixels: np.ndarray, package: dict[str, Any]) -> np.ndarray:
    parsed = InferenceConfig.model_validate(package)
    network = parsed.network_input
    # The substitutions that the families' from_pretrained make.
    if network.resize_mode is ResizeMode.FIT_LONGER_EDGE:
        network.resize_mode, network.padding_value = (
            (ResizeMode.STRETCH_TO, None) if family == "rfdetr" else (ResizeMode.LETTERBOX, 127))
    prepare = pre_process_rfdetr if family == "rfdetr" else pre_process_network_input
    tensor, _ = prepare(
        images=pixels, image_pre_processing=parsed.image_pre_processing, network_input=network, target_device=torch.device("cpu"),
        input_color_format="rgb")
    return tensor.to(torch.float32).numpy()[0]


def encoded(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


pictures = [image(97, 61, 1), image(40, 90, 2), image(25, 19, 3)]
result = {
    "images": [{"width": p.shape[1], "height": p.shape[0], "pixels": encoded(p)} for p in pictures],
    "cases": []}
for family, picture, package in cases():
    tensor = prepared(family, pictures[picture], package)
    network = package["network_input"]
    case = {"family": family, "image": picture, "config": json.dumps(package), "height": tensor.shape[1], "width": tensor.shape[2]}
    if network["normalization"] is None:
        scaled = tensor * (network["scaling_factor"] or (255 if family == "rfdetr" else 1))
        assert np.abs(scaled - scaled.round()).max() < 1e-3
        case["bytes"] = encoded(scaled.round().astype(np.uint8))
    else:
        case["floats"] = encoded(tensor.astype("<f4"))
    result["cases"].append(case)
with open(FIXTURE, "w") as file:
    json.dump(result, file, separators=(",", ":"))
print(len(result["cases"]), "cases,", os.path.getsize(FIXTURE), "bytes")
