"""Rendered scenes and how they are varied for training."""

from __future__ import annotations

import json
import pathlib

import cv2
import numpy as np
import torch

Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
View = tuple[np.ndarray, np.ndarray, list[int]]

CLASSES = ["coin", "die", "bolt", "pen"]


class Scenes(torch.utils.data.Dataset):
    """All scenes of a folder in memory: picture [h, w, 3] uint8 RGB, object index [h, w] uint8, class of each index."""

    def __init__(self, folder: pathlib.Path, size: int, length: int | None = None, augment: bool = True, seed: int = 0) -> None:
        self.size, self.augment, self.seed = size, augment, seed
        self.items = []
        for path in sorted(pathlib.Path(folder).glob("*.json")):
            names = json.loads(path.read_text())["classes"]
            picture = cv2.imread(str(path.with_suffix(".jpg")))[..., ::-1].copy()
            index = cv2.imread(str(path.with_suffix(".png")), cv2.IMREAD_UNCHANGED)
            self.items.append((picture, index, [CLASSES.index(name) for name in names]))
        self.length = length or len(self.items)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: int) -> Sample:
        rng = np.random.default_rng((self.seed, i))
        if not self.augment:
            picture, index, classes = self.items[i]
            return target(*letterbox(picture, index, self.size), classes)
        kind = rng.random()
        picture, index, classes = self.mosaic(rng) if kind < 0.25 else self.view(rng, self.size)
        if kind > 0.7:
            picture, index, classes = self.paste(rng, picture, index, classes)
        return target(photograph(rng, picture), index, classes)

    def view(self, rng: np.random.Generator, size: int) -> View:
        """A turned, scaled and shifted view of one scene; what lies outside is mirrored or grey and has no objects."""
        picture, index, classes = self.items[rng.integers(len(self.items))]
        h, w = index.shape
        scale = size / max(h, w) * np.exp(rng.uniform(np.log(0.55), np.log(1.9)))
        angle = rng.uniform(0, 360) if rng.random() < 0.6 else 90 * rng.integers(4)
        matrix = cv2.getRotationMatrix2D((w / 2, h / 2), angle, scale)
        matrix[:, :2] = matrix[:, :2] @ np.diag([rng.uniform(0.88, 1.14), 1]) @ np.array([[1, rng.normal(0, 0.05)], [0, 1]])
        if rng.random() < 0.5:
            matrix[:, :2] = matrix[:, :2] @ np.diag([-1, 1])
        centre = matrix[:, :2] @ np.array([w / 2, h / 2])
        room = max(0.0, scale * max(h, w) - size) / 2 + 0.12 * size
        matrix[:, 2] = size / 2 - centre + rng.uniform(-room, room, 2)
        fill = tuple(int(v) for v in (rng.integers(0, 255, 3) if rng.random() < 0.5 else (114, 114, 114)))
        area = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR
        picture = cv2.warpAffine(picture, matrix, (size, size), flags=area if area == cv2.INTER_LINEAR else cv2.INTER_LINEAR,
                                 borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
        index = cv2.warpAffine(index, matrix, (size, size), flags=cv2.INTER_NEAREST, borderValue=0)
        return picture, index, classes

    def paste(self, rng: np.random.Generator, picture: np.ndarray, index: np.ndarray, classes: list[int]) -> View:
        """Lays some objects of another scene upon this one, with a soft shadow. (Source of the idea: Ghiasi and others, "Simple
        Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", 2021.)"""
        other, where, names = self.view(rng, self.size)
        chosen = [i for i in range(1, len(names) + 1) if rng.random() < 0.6]
        laid = np.isin(where, chosen)
        if not laid.any():
            return picture, index, classes
        cover = cv2.GaussianBlur(laid.astype(np.float32), (0, 0), 0.7)
        shift = np.float32([[1, 0, rng.uniform(-6, 6)], [0, 1, rng.uniform(-6, 6)]])
        shadow = cv2.GaussianBlur(cv2.warpAffine(laid.astype(np.float32), shift, laid.shape[::-1]), (0, 0),
                                  rng.uniform(1, 6)) * rng.uniform(0, 0.6)
        mixed = picture * (1 - shadow)[..., None] * (1 - cover)[..., None] + other * cover[..., None]
        index = np.where(laid, where.astype(np.int32) + len(classes), index)
        return mixed.astype(np.uint8), index, classes + names

    def mosaic(self, rng: np.random.Generator) -> View:
        """Four views of half the size."""
        picture = np.empty((self.size, self.size, 3), np.uint8)
        index = np.zeros((self.size, self.size), np.int32)
        classes: list[int] = []
        half = self.size // 2
        for y in (0, half):
            for x in (0, half):
                p, m, c = self.view(rng, half)
                picture[y:y + half, x:x + half] = p
                index[y:y + half, x:x + half] = np.where(m > 0, m.astype(np.int32) + len(classes), 0)
                classes = classes + c
        return picture, index, classes


def photograph(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """What cameras and files do to a picture: colour, exposure, blur, noise, compression."""
    x = picture.astype(np.float32) / 255
    if rng.random() < 0.8:
        x = x * rng.uniform(0.7, 1.3) * (1 + rng.normal(0, 0.07, 3).astype(np.float32))
        x = np.clip(x, 0, 1) ** rng.uniform(0.65, 1.5)
        grey = x.mean(2, keepdims=True)
        x = grey + (x - grey) * rng.uniform(0.2, 1.6)
    if rng.random() < 0.2:
        y, z = np.mgrid[-1:1:x.shape[0] * 1j, -1:1:x.shape[1] * 1j]
        a = rng.uniform(0, 6.28)
        x = x * (1 + rng.uniform(0, 0.5) * (np.cos(a) * y + np.sin(a) * z))[..., None].astype(np.float32)
    if rng.random() < 0.08:
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.3:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.1:
        length = int(rng.integers(3, 8))
        kernel = np.zeros((length, length), np.float32)
        a = rng.uniform(0, np.pi)
        for t in np.linspace(-1, 1, 20):
            kernel[round((length - 1) / 2 * (1 + t * np.sin(a))), round((length - 1) / 2 * (1 + t * np.cos(a)))] = 1
        x = cv2.filter2D(x, -1, kernel / kernel.sum())
    if rng.random() < 0.15:  # sharpened, as phones do
        x = x + rng.uniform(0.3, 1.2) * (x - cv2.GaussianBlur(x, (0, 0), 1.2))
    if rng.random() < 0.5:
        x = x + rng.normal(0, rng.uniform(0, 0.05), x.shape).astype(np.float32)
    x = (np.clip(x, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, data = cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        x = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return x


def letterbox(picture: np.ndarray, index: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    h, w = index.shape
    scale = size / max(h, w)
    nw, nh = round(w * scale), round(h * scale)
    out, mask = np.full((size, size, 3), 114, np.uint8), np.zeros((size, size), index.dtype)
    y, x = (size - nh) // 2, (size - nw) // 2
    out[y:y + nh, x:x + nw] = cv2.resize(picture, (nw, nh))
    mask[y:y + nh, x:x + nw] = cv2.resize(index, (nw, nh), interpolation=cv2.INTER_NEAREST)
    return out, mask


def target(picture: np.ndarray, index: np.ndarray, classes: list[int]) -> Sample:
    """Tensors: picture, boxes [n, 4], classes [n], masks [n, h / 4, w / 4] at prototype resolution."""
    boxes, kept, masks = [], [], []
    for i, c in enumerate(classes, 1):
        ys, xs = np.nonzero(index == i)
        if len(ys) < 24:
            continue
        box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        if min(box[2] - box[0], box[3] - box[1]) < 4:
            continue
        boxes.append(box)
        kept.append(c)
        masks.append(cv2.resize((index == i).astype(np.float32), (index.shape[1] // 4, index.shape[0] // 4),
                                interpolation=cv2.INTER_AREA))
    n = len(boxes)
    return (torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))),
            torch.tensor(np.array(boxes, np.float32).reshape(n, 4)),
            torch.tensor(kept, dtype=torch.long),
            torch.from_numpy(np.array(masks, np.float32).reshape(n, index.shape[0] // 4, index.shape[1] // 4)))


def collate(batch: list[Sample]) -> tuple[torch.Tensor, list[tuple[torch.Tensor, ...]]]:
    return torch.stack([item[0] for item in batch]), [item[1:] for item in batch]
