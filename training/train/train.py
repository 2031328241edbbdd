"""Trains the network on rendered scenes.

    python train.py SCENES OUT [--minutes 60] [--size 288] [--batch 16] [--start OTHER/last.pt]

Writes OUT/last.pt every few minutes and goes on from it when started again; OUT/log.csv has the losses, one line for each
twenty steps. The schedule follows the share of the time that is used.
"""

from __future__ import annotations

import argparse
import copy
import math
import pathlib
import time

import torch

from data import CLASSES, Scenes, collate
from losses import loss
from model import Network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", type=int, default=288)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", type=pathlib.Path, help="a checkpoint whose weights are the start of a new run")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)

    network = Network(len(CLASSES)).to(memory_format=torch.channels_last)
    if arguments.start:
        missing, unexpected = network.load_state_dict(torch.load(arguments.start)["average"], strict=False)
        print(f"starts from {arguments.start}; new are {missing or 'none'}", flush=True)
        if unexpected:
            raise SystemExit(f"{arguments.start} has weights of another network: {unexpected}")
    average = copy.deepcopy(network).eval()
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 1e-2}, {"params": plain, "weight_decay": 0.0}],
                                  lr=arguments.rate)
    step, used = 0, 0.0
    checkpoint = arguments.out / "last.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, used = state["step"], state["used"]
        print(f"going on from step {step}", flush=True)

    scenes = Scenes(arguments.scenes, arguments.size, length=1 << 30, seed=arguments.seed + step)
    print(f"{len(scenes.items)} scenes, {sum(p.numel() for p in network.parameters())} parameters", flush=True)
    loader = iter(torch.utils.data.DataLoader(
        scenes, arguments.batch, sampler=torch.utils.data.SequentialSampler(scenes), num_workers=arguments.workers,
        collate_fn=collate, prefetch_factor=4, persistent_workers=True))
    limit = arguments.minutes * 60
    last = saved = time.time()
    sums: dict[str, float] = {}
    count = 0
    with open(arguments.out / "log.csv", "a") as log:
        while used < limit:
            share = used / limit
            rate = arguments.rate * min(1, (step + 1) / 100) * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)
            for group in optimizer.param_groups:
                group["lr"] = rate
            pictures, targets = next(loader)
            images = (pictures.float() / 255).to(memory_format=torch.channels_last)
            network.train()
            with torch.autocast("cpu", torch.bfloat16):
                outputs = network(images)
            value, parts = loss(outputs, targets)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5)
            optimizer.step()
            step += 1
            # A pause, as of a machine that was needed for something else, is no time used.
            used += min(time.time() - last, 15)
            last = time.time()
            decay = min(0.998, (1 + step) / (10 + step))
            with torch.no_grad():
                for a, p in zip(average.state_dict().values(), network.state_dict().values()):
                    if a.dtype.is_floating_point:
                        a.lerp_(p, 1 - decay)
                    else:
                        a.copy_(p)
            for k, v in parts.items():
                sums[k] = sums.get(k, 0) + v
            count += 1
            if step % 20 == 0:
                line = f"{step},{used:.0f},{rate:.5f}," + ",".join(f"{v / count:.4f}" for v in sums.values())
                print(line, file=log, flush=True)
                print(line, flush=True)
                sums, count = {}, 0
            if time.time() - saved > 180 or used > limit - 5:
                saved = time.time()
                torch.save({"network": network.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
                            "step": step, "used": used}, checkpoint.with_suffix(".part"))
                checkpoint.with_suffix(".part").rename(checkpoint)
    torch.save({"network": network.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
                "used": used}, checkpoint)


if __name__ == "__main__":
    main()
