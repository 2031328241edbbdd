"""Random weights whose scores differ from class to class and object to object; with the initial ones all are nearly the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def spread(network: Any, heads: Iterable[str], convolutions: Iterable[str] = ()) -> None:
    """Varies the linear layers and the convolutions with one of the texts in their names, and what normalizes batches."""
    import torch

    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, torch.nn.Linear) and any(part in name for part in heads):
                module.weight.normal_(0, 2 / module.in_features**0.5, generator=generator)
                if module.bias is not None:
                    module.bias.normal_(-1, 0.3, generator=generator)
            is_convolution = isinstance(module, torch.nn.Conv2d) and module.bias is not None
            if is_convolution and any(part in name for part in convolutions):
                module.weight.normal_(0, 1, generator=generator)
                module.bias.normal_(-1, 0.5, generator=generator)
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1, generator=generator)
