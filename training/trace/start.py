"""Weights to start from: of last.pt, or of an exported file, whose normalizations have become part of its convolutions."""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import torch
from torch import nn


def weights_of(path: pathlib.Path, network: nn.Module, pictures: torch.Tensor) -> None:
    """Loads weights into the network. Of an ONNX file each convolution is taken with its bias, and the normalization behind it is
    set to what it finds in `pictures`, so that it changes nothing."""
    if path.suffix == ".pt":
        network.load_state_dict(torch.load(path, map_location="cpu")["average"])
        return
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    held = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    held.update({node.output[0]: held[node.input[0]] for node in graph.node if node.op_type == "Identity"
                 and node.input[0] in held})
    found = [[held[name] for name in node.input[1:]] for node in graph.node if node.op_type == "Conv"]
    order, seen = [], set()

    def calibrated(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        x = inputs[0].float()
        if module in seen:
            return
        seen.add(module)
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
        module.weight.data.copy_((variance + module.eps).sqrt())
        module.bias.data.copy_(mean + module.folded)

    def listed(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        order.append(module)

    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    hooks = [m.register_forward_pre_hook(listed) for m in convolutions]
    network.eval()
    with torch.no_grad():
        network(pictures[:2])
    for hook in hooks:
        hook.remove()
    if len(order) != len(found):
        raise SystemExit(f"{path} has {len(found)} convolutions, the network {len(order)}")
    follows = {a: b for parent in network.modules() for a, b in itertools.pairwise(parent.children())
               if isinstance(a, nn.Conv2d) and isinstance(b, nn.BatchNorm2d)}
    device = pictures.device
    for module, parts in zip(order, found):
        module.weight.data.copy_(torch.from_numpy(np.array(parts[0])).to(device))
        bias = torch.from_numpy(np.array(parts[1])).to(device) if len(parts) > 1 else torch.zeros(len(parts[0]), device=device)
        if module in follows:
            follows[module].folded = bias
        elif module.bias is not None:
            module.bias.data.copy_(bias)
    into = {node.input[0] for node in graph.node if node.op_type == "Softplus"}
    scales = [held[node.input[1]] for node in graph.node if node.output[0] in into]
    network.scales.data.copy_(torch.from_numpy(np.concatenate([np.reshape(s, 1) for s in scales])).to(device))
    hooks = [m.register_forward_pre_hook(calibrated) for m in follows.values()]
    with torch.no_grad():
        network(pictures)
    for hook in hooks:
        hook.remove()
