"""A small one-stage network for instance segmentation in YOLOv8-seg's layout; fully convolutional.

Outputs `[batch, 4 + classes + coefficients, anchors]` (centre, size in input pixels; probabilities; coefficients) and
prototypes `[batch, coefficients, height / 4, width / 4]`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
COEFFICIENTS = 16


class Conv(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03), nn.SiLU(inplace=True))


class Bottleneck(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(Conv(channels, channels // 2, 1), Conv(channels // 2, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.block(x)


class Separable(nn.Sequential):
    def __init__(self, channels: int) -> None:
        super().__init__(Conv(channels, channels, 3, groups=channels), Conv(channels, channels, 1))


class Context(nn.Module):
    """Adds what lies further away, by ever wider maxima, to maps of stride 32: a pen may be as long as the picture. (Source of the
    idea: YOLOv5's SPPF.) At first it adds nothing, so that a network trained without it can be gone on with."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = Conv(channels, channels // 2, 1)
        self.join = nn.Conv2d(channels * 2, channels, 1, bias=False)
        nn.init.zeros_(self.join.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = [self.reduce(x)]
        for _ in range(3):
            maps.append(F.max_pool2d(maps[-1], 5, 1, 2))
        return x + self.join(torch.cat(maps, 1))


class Refine(nn.Module):
    """A separable convolution beside its input; at first it adds nothing."""

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__()
        self.deep = Conv(channels, channels, kernel, groups=channels)
        self.wide = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.zeros_(self.wide.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.wide(self.deep(x))


class Network(nn.Module):
    def __init__(self, classes: int, width: int = 96) -> None:
        super().__init__()
        self.classes = classes
        self.stem = nn.Sequential(Conv(3, 16, 3, 2), Conv(16, 32, 3, 2), Bottleneck(32))
        self.stage3 = nn.Sequential(Conv(32, 64, 3, 2), Bottleneck(64), Bottleneck(64))
        self.stage4 = nn.Sequential(Conv(64, 128, 3, 2), Bottleneck(128), Bottleneck(128))
        self.stage5 = nn.Sequential(Conv(128, 192, 3, 2), Bottleneck(192), Bottleneck(192))
        self.context = Context(192)
        self.lateral = nn.ModuleList([Conv(c, width, 1) for c in (64, 128, 192)])
        self.smooth = nn.ModuleList([Separable(width) for _ in range(2)])
        self.down = nn.ModuleList([Conv(width, width, 3, 2, groups=width) for _ in range(2)])
        self.merge = nn.ModuleList([Separable(width) for _ in range(2)])
        self.reach = nn.ModuleList([Refine(width, 7) for _ in range(2)])  # to the ends of what is near
        self.class_head = nn.Sequential(Separable(width), Separable(width), nn.Conv2d(width, classes, 1))
        self.box_head = nn.Sequential(Separable(width), Separable(width))
        self.distances = nn.Conv2d(width, 4, 1)
        self.coefficients = nn.Conv2d(width, COEFFICIENTS, 1)
        self.scales = nn.Parameter(torch.ones(3))
        self.fine = Conv(32, width, 1)
        self.refine = Refine(width)
        self.prototypes = nn.Sequential(Separable(width), nn.Conv2d(width, COEFFICIENTS, 1))
        nn.init.constant_(self.class_head[-1].bias, -4.6)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Class logits [B, A, classes], distances to the sides in pixels [B, A, 4], coefficients, prototypes, centres."""
        p2 = self.stem(x)
        p3 = self.stage3(p2)
        p4 = self.stage4(p3)
        p5 = self.context(self.stage5(p4))
        f3, f4, f5 = (layer(p) for layer, p in zip(self.lateral, (p3, p4, p5)))
        f4 = self.smooth[1](f4 + F.interpolate(f5, scale_factor=2.0, mode="nearest"))
        f3 = self.smooth[0](f3 + F.interpolate(f4, scale_factor=2.0, mode="nearest"))
        f4 = self.merge[0](f4 + self.down[0](f3))
        f5 = self.merge[1](f5 + self.down[1](f4))
        f4, f5 = (layer(f) for layer, f in zip(self.reach, (f4, f5)))
        prototypes = self.prototypes(self.refine(self.fine(p2) + F.interpolate(f3, scale_factor=2.0, mode="nearest")))
        logits, distances, coefficients, centres = [], [], [], []
        for i, (f, stride) in enumerate(zip((f3, f4, f5), STRIDES)):
            box = self.box_head(f)
            logits.append(self.class_head(f).flatten(2))
            distances.append(F.softplus(self.distances(box).float() * self.scales[i]).flatten(2) * stride)
            coefficients.append(self.coefficients(box).flatten(2))
            # Centres by a cumulative sum, so that the exported graph follows any height and width.
            ones = torch.ones_like(f[:1, :1], dtype=torch.float32)
            xs = (ones.cumsum(3) - 0.5) * stride
            ys = (ones.cumsum(2) - 0.5) * stride
            centres.append(torch.cat([xs, ys], 1).flatten(2))

        def join(parts: list[torch.Tensor]) -> torch.Tensor:
            return torch.cat(parts, 2).transpose(1, 2)

        return join(logits), join(distances), join(coefficients), prototypes, join(centres)[0]


class Exported(nn.Module):
    """The network with its outputs in the layout that decoders read."""

    def __init__(self, network: Network, temperature: Sequence[float] = (1.0,), bias: Sequence[float] = (0.0,)) -> None:
        """Temperature and bias calibrate the logits: one each, or one a class."""
        super().__init__()
        self.network = network
        self.register_buffer("temperature", torch.tensor(temperature))
        self.register_buffer("bias", torch.tensor(bias))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits, distances, coefficients, prototypes, centres = self.network(images)
        corner1 = centres[None] - distances[..., :2]
        corner2 = centres[None] + distances[..., 2:]
        box = torch.cat([(corner1 + corner2) / 2, corner2 - corner1], 2)
        scores = torch.sigmoid(logits.float() * self.temperature + self.bias)
        return torch.cat([box, scores, coefficients.float()], 2).transpose(1, 2), prototypes.float()
