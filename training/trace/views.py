"""Varied views of drawn scenes, and what is to be found in them, for a whole batch at once on one device."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

Targets = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]

MOST = 16  # instances of a scene


def uniform(like: torch.Tensor, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    return torch.rand(*shape, device=like.device) * (high - low) + low


def turned(pictures: torch.Tensor, index: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Turned, scaled, sheared, mirrored and shifted views; what lies outside is grey or of one color and has no objects."""
    n = len(pictures)
    scale = torch.exp(uniform(pictures, n, low=math.log(0.7), high=math.log(1.8)))
    angle = torch.where(uniform(pictures, n) < 0.6, uniform(pictures, n, high=2 * math.pi),
                        math.pi / 2 * torch.randint(4, (n,), device=pictures.device))
    mirror = torch.where(uniform(pictures, n) < 0.5, -1.0, 1.0)
    stretch, shear = uniform(pictures, n, low=0.85, high=1.18), 0.06 * torch.randn(n, device=pictures.device)
    c, s = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([c, -s], 1), torch.stack([s, c], 1)], 1)
    form = torch.stack([torch.stack([mirror * stretch, shear], 1), torch.stack([torch.zeros_like(c), torch.ones_like(c)], 1)], 1)
    inverse = torch.linalg.inv(turn @ form * scale[:, None, None])
    room = (scale - 1).clamp(min=0) + 0.2
    shift = uniform(pictures, n, 2, low=-1, high=1) * room[:, None]
    theta = torch.cat([inverse, -(inverse @ shift[:, :, None])], 2)
    grid = F.affine_grid(theta, (n, 1, size, size), align_corners=False)
    inside = (grid.abs().amax(-1) <= 1)[:, None]
    fill = torch.where(uniform(pictures, n, 1, 1, 1) < 0.5, torch.full_like(pictures[:, :, :1, :1], 0.447),
                       uniform(pictures, n, 3, 1, 1))
    seen = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
    where = F.grid_sample(index.float()[:, None], grid, mode="nearest", padding_mode="zeros", align_corners=False)[:, 0].long()
    return torch.where(inside, seen, fill), where


def blurred(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Blurred by a Gaussian, each picture by its own (source: the usual separable filter, as a grouped convolution)."""
    n, c, h, w = x.shape
    t = torch.arange(-6, 7, device=x.device)
    kernel = torch.exp(-t**2 / (2 * sigma.clamp(min=0.05)[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)
    flat = F.pad(x.reshape(1, n * c, h, w), (6, 6, 6, 6), mode="reflect")
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=n * c)
    return F.conv2d(flat, kernel[:, None, :, None], groups=n * c).reshape(n, c, h, w)


def compressed(x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """Brightness quantized in blocks of eight as JPEG does it, with a step for each picture; colors at half the size."""
    k = torch.arange(8, device=x.device)
    dct = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) * 0.5
    dct[0] /= math.sqrt(2)
    n, _, h, w = x.shape
    y = (x * torch.tensor([0.299, 0.587, 0.114], device=x.device)[None, :, None, None]).sum(1, keepdim=True)
    color = F.interpolate(F.avg_pool2d(x - y, 2), scale_factor=2.0, mode="bilinear", align_corners=False)
    blocks = y.reshape(n, h // 8, 8, w // 8, 8).permute(0, 1, 3, 2, 4)
    weights = (1 + 0.35 * (k[:, None] + k[None])) * step[:, None, None, None, None]
    blocks = torch.round(dct @ blocks @ dct.T / weights) * weights
    y = (dct.T @ blocks @ dct).permute(0, 1, 3, 2, 4).reshape(n, 1, h, w)
    return y + color


def photographed(x: torch.Tensor) -> torch.Tensor:
    """What cameras and files do to a picture: color, exposure, vignette, blur, sharpening, noise, compression."""
    n = len(x)

    def pick(share: float) -> torch.Tensor:
        return uniform(x, n, 1, 1, 1) < share

    toned = x * uniform(x, n, 1, 1, 1, low=0.65, high=1.35) * (1 + 0.08 * torch.randn(n, 3, 1, 1, device=x.device))
    toned = toned.clamp(0, 1) ** uniform(x, n, 1, 1, 1, low=0.6, high=1.6)
    grey = toned.mean(1, keepdim=True)
    toned = grey + (toned - grey) * uniform(x, n, 1, 1, 1, low=0.15, high=1.6)
    middle = toned.mean((1, 2, 3), keepdim=True)
    toned = middle + (toned - middle) * uniform(x, n, 1, 1, 1, low=0.65, high=1.3)
    x = torch.where(pick(0.85), toned, x)
    t = torch.linspace(-1, 1, x.shape[-1], device=x.device)
    a = uniform(x, n, 1, 1, 1, high=2 * math.pi)
    slope = 1 + uniform(x, n, 1, 1, 1, high=0.5) * (torch.cos(a) * t[:, None] + torch.sin(a) * t[None])
    x = torch.where(pick(0.3), x * slope, x)
    x = torch.where(pick(0.06), x.mean(1, keepdim=True), x)
    soft = blurred(x, uniform(x, n, low=0.4, high=2.2))
    x = torch.where(pick(0.4), soft, torch.where(pick(0.2), x + uniform(x, n, 1, 1, 1, low=0.3, high=1.4) * (x - soft), x))
    noise = torch.randn_like(x)
    noise = torch.where(pick(0.5), noise, blurred(noise, torch.full((n,), 0.8, device=x.device)) * 2)
    x = torch.where(pick(0.6), x + noise * uniform(x, n, 1, 1, 1, high=0.06), x).clamp(0, 1)
    return torch.where(pick(0.5), compressed(x, uniform(x, n, low=0.01, high=0.12)), x).clamp(0, 1)


def targets(index: torch.Tensor, classes: torch.Tensor) -> Targets:
    """Boxes [n, K, 4], classes [n, K], which of them count [n, K], and masks [n, K, h / 4, w / 4]; the countable come first."""
    n, h, w = index.shape
    k = classes.shape[1] + 1
    b = torch.arange(n, device=index.device)[:, None, None].expand_as(index)
    columns = torch.zeros(n, k, w, dtype=torch.bool, device=index.device)
    rows = torch.zeros(n, k, h, dtype=torch.bool, device=index.device)
    columns[b, index, torch.arange(w, device=index.device)[None, None].expand_as(index)] = True
    rows[b, index, torch.arange(h, device=index.device)[None, :, None].expand_as(index)] = True

    def first(present: torch.Tensor) -> torch.Tensor:
        return present.float().argmax(-1)

    def last(present: torch.Tensor) -> torch.Tensor:
        return present.shape[-1] - present.flip(-1).float().argmax(-1)

    boxes = torch.stack([first(columns), first(rows), last(columns), last(rows)], -1).float()[:, 1:]
    masks = torch.zeros(n, k, h // 4, w // 4, device=index.device)
    one = torch.full((n, 1, h // 4, w // 4), 1 / 16, device=index.device)
    for i in range(4):
        for j in range(4):
            masks.scatter_add_(1, index[:, None, i::4, j::4], one)
    masks = masks[:, 1:]
    sides = boxes[..., 2:] - boxes[..., :2]
    real = columns.any(-1)[:, 1:] & (classes >= 0) & (masks.sum((2, 3)) * 16 >= 24) & (sides.amin(-1) >= 4)
    order = torch.sort(real.float(), dim=1, descending=True, stable=True).indices[:, :max(1, int(real.sum(1).max()))]

    def take(x: torch.Tensor) -> torch.Tensor:
        return x.gather(1, order.reshape(*order.shape, *[1] * (x.ndim - 2)).expand(-1, -1, *x.shape[2:]))

    return take(boxes), take(classes).clamp(min=0), take(real), take(masks)


def views(pictures: torch.Tensor, index: torch.Tensor, classes: torch.Tensor, count: int,
          size: int) -> tuple[torch.Tensor, Targets]:
    """`count` varied views of the scenes of a pool (pictures as bytes [p, 3, s, s]): a fifth are four scenes in one, a fifth have
    the objects of another scene laid upon them. (Source of the ideas: YOLOv4's mosaic; Ghiasi and others, "Simple Copy-Paste",
    2021.)"""
    device = pictures.device

    def choose(k: int) -> torch.Tensor:
        return torch.randint(len(pictures), (k,), device=device)

    four, laid = count // 5, count // 5
    one = count - four
    i = choose(one)
    p, w = turned(pictures[i].float() / 255, index[i], size)
    c = torch.cat([classes[i], torch.full((one, 3 * MOST), -1, device=device)], 1)
    j = choose(laid)
    other, where = turned(pictures[j].float() / 255, index[j], size)
    kept = torch.rand(laid, MOST + 1, device=device) < 0.7
    kept[:, 0] = False
    over = kept.gather(1, where.flatten(1)).reshape(where.shape)
    cover = blurred(over[:, None].float(), torch.full((laid,), 0.6, device=device))
    shadow = blurred(torch.roll(over[:, None].float(), (int(torch.randint(-6, 7, ())), int(torch.randint(-6, 7, ()))), (2, 3)),
                     uniform(p, laid, low=1, high=5))
    p[:laid] = p[:laid] * (1 - shadow * uniform(p, laid, 1, 1, 1, high=0.6)) * (1 - cover) + other * cover
    w[:laid] = torch.where(over, where + MOST, w[:laid])
    c[:laid, MOST:2 * MOST] = classes[j]
    i = choose(4 * four)
    small, at = turned(pictures[i].float() / 255, index[i], size // 2)
    small, at = small.reshape(four, 2, 2, 3, size // 2, size // 2), at.reshape(four, 2, 2, size // 2, size // 2)
    offset = MOST * torch.arange(4, device=device).reshape(1, 2, 2, 1, 1)
    at = torch.where(at > 0, at + offset, 0)
    mosaic = small.permute(0, 3, 1, 4, 2, 5).reshape(four, 3, size, size)
    p, w = torch.cat([p, mosaic]), torch.cat([w, at.permute(0, 1, 3, 2, 4).reshape(four, size, size)])
    c = torch.cat([c, classes[i].reshape(four, 4 * MOST)])
    return photographed(p), targets(w, c)
