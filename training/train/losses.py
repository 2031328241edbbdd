"""Which anchors learn which object, and what each output is charged for.

Assignment: the ten anchors inside an object's box with the best `score ** 0.5 * IoU ** 6` (Feng et al., *TOOD*, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F


def iou(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Elementwise over the last dimension (x1, y1, x2, y2): IoU and complete IoU (Zheng et al., 2020)."""
    left, right = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common = (right - left).clamp(min=0).prod(-1)
    size_a, size_b = (a[..., 2:] - a[..., :2]).clamp(min=1e-6), (b[..., 2:] - b[..., :2]).clamp(min=1e-6)
    value = common / (size_a.prod(-1) + size_b.prod(-1) - common + 1e-7)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    distance = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2).square().sum(-1) / (hull.square().sum(-1) + 1e-7)
    v = 4 / torch.pi**2 * (torch.atan(size_a[..., 0] / size_a[..., 1]) - torch.atan(size_b[..., 0] / size_b[..., 1])).square()
    with torch.no_grad():
        weight = v / (1 - value + v + 1e-7)
    return value, value - distance - weight * v


@torch.no_grad()
def assign(scores: torch.Tensor, boxes: torch.Tensor, centres: torch.Tensor, gt_boxes: torch.Tensor, gt_classes: torch.Tensor,
           top: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    """For each anchor the object it learns (or -1) and the class target."""
    n, a = len(gt_boxes), len(centres)
    inside = ((centres[None] > gt_boxes[:, None, :2]) & (centres[None] < gt_boxes[:, None, 2:])).all(-1)
    overlap = iou(boxes[None].expand(n, -1, -1), gt_boxes[:, None].expand(-1, a, -1))[0].clamp(min=0) * inside
    metric = scores[:, gt_classes].T.clamp(min=1e-9).sqrt() * overlap**6 + 1e-9 * inside
    best = torch.zeros_like(metric, dtype=torch.bool)
    best.scatter_(1, metric.topk(min(top, a), 1).indices, True)
    best &= inside
    shared = torch.where(best, overlap + 1e-6, torch.zeros_like(overlap))
    owner = shared.argmax(0)
    taken = best.any(0)
    share = metric * F.one_hot(owner, n).T * taken
    norm = share / (share.amax(1, keepdim=True) + 1e-9) * (overlap * (share > 0)).amax(1, keepdim=True)
    return torch.where(taken, owner, -1), norm.sum(0).clamp(0, 1)


def loss(outputs: Sequence[torch.Tensor], targets: Sequence[Sequence[torch.Tensor]],
         most_masks: int = 48) -> tuple[torch.Tensor, dict[str, float]]:
    logits, distances, coefficients, prototypes, centres = outputs
    logits, coefficients, prototypes = logits.float(), coefficients.float(), prototypes.float()
    boxes = torch.cat([centres[None] - distances[..., :2], centres[None] + distances[..., 2:]], -1)
    wanted = torch.zeros_like(logits)
    box_loss = mask_loss = logits.new_zeros(())
    total, mask_count = logits.new_zeros(()), 0
    for i, (gt_boxes, gt_classes, gt_masks) in enumerate(targets):
        if len(gt_boxes) == 0:
            continue
        owner, quality = assign(logits[i].sigmoid(), boxes[i], centres, gt_boxes, gt_classes)
        chosen = (owner >= 0).nonzero()[:, 0]
        if len(chosen) == 0:
            continue
        objects = owner[chosen]
        wanted[i, chosen, gt_classes[objects]] = quality[chosen]
        complete = iou(boxes[i, chosen], gt_boxes[objects])[1]
        box_loss = box_loss + ((1 - complete) * quality[chosen]).sum()
        total = total + quality[chosen].sum()
        if len(chosen) > most_masks:
            pick = torch.randperm(len(chosen))[:most_masks]
            chosen, objects = chosen[pick], objects[pick]
        masks = (coefficients[i, chosen] @ prototypes[i].flatten(1)).view(-1, *prototypes.shape[2:])
        truth = gt_masks[objects]
        quarter = gt_boxes[objects] / 4
        ys = torch.arange(masks.shape[1])[None, :, None] + 0.5
        xs = torch.arange(masks.shape[2])[None, None, :] + 0.5
        crop = ((xs > quarter[:, 0, None, None] - 1) & (xs < quarter[:, 2, None, None] + 1)
                & (ys > quarter[:, 1, None, None] - 1) & (ys < quarter[:, 3, None, None] + 1)).float()
        bce = F.binary_cross_entropy_with_logits(masks, truth, reduction="none") * crop
        bce = bce.sum((1, 2)) / crop.sum((1, 2)).clamp(min=1)
        p = masks.sigmoid() * crop
        dice = 1 - (2 * (p * truth).sum((1, 2)) + 1) / (p.sum((1, 2)) + truth.sum((1, 2)) + 1)
        mask_loss = mask_loss + (bce + dice).sum()
        mask_count += len(chosen)
    total = total.clamp(min=1)
    p = logits.sigmoid()
    weight = torch.where(wanted > 0, wanted, 0.75 * p.detach().square())
    class_loss = (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight).sum() / total
    parts = {"class": class_loss, "box": box_loss / total, "mask": mask_loss / max(mask_count, 1)}
    return 1.5 * parts["class"] + 2.5 * parts["box"] + 1.5 * parts["mask"], {k: float(v.detach()) for k, v in parts.items()}


@torch.no_grad()
def assign_batch(scores: torch.Tensor, boxes: torch.Tensor, centres: torch.Tensor, gt_boxes: torch.Tensor,
                 gt_classes: torch.Tensor, real: torch.Tensor, top: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    """`assign` for a batch: scores [b, a, c], boxes [b, a, 4], objects [b, k, ...] of which those that are `real` count."""
    inside = (centres[None, None] > gt_boxes[:, :, None, :2]) & (centres[None, None] < gt_boxes[:, :, None, 2:])
    inside = inside.all(-1) & real[..., None]
    overlap = iou(boxes[:, None], gt_boxes[:, :, None])[0].clamp(min=0) * inside
    own = scores.transpose(1, 2).gather(1, gt_classes[..., None].expand(-1, -1, scores.shape[1]))
    metric = own.clamp(min=1e-9).sqrt() * overlap**6 + 1e-9 * inside
    best = torch.zeros_like(inside)
    best.scatter_(2, metric.topk(top, 2).indices, True)
    best &= inside
    shared = torch.where(best, overlap + 1e-6, torch.zeros_like(overlap))
    owner = shared.argmax(1)
    taken = best.any(1)
    share = metric * torch.zeros_like(metric).scatter_(1, owner[:, None], 1.0) * taken[:, None]
    norm = share / (share.amax(2, keepdim=True) + 1e-9) * (overlap * (share > 0)).amax(2, keepdim=True)
    return torch.where(taken, owner, -1), norm.sum(1).clamp(0, 1)


def batch_loss(outputs: Sequence[torch.Tensor], targets: Sequence[torch.Tensor],
               most_masks: int = 1024) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """`loss` for a batch at once: targets are boxes [b, k, 4], classes [b, k], which are real [b, k] and masks [b, k, h, w]."""
    logits, distances, coefficients, prototypes, centres = outputs
    logits, coefficients, prototypes = logits.float(), coefficients.float(), prototypes.float()
    gt_boxes, gt_classes, real, gt_masks = targets
    boxes = torch.cat([centres[None] - distances[..., :2], centres[None] + distances[..., 2:]], -1)
    owner, quality = assign_batch(logits.detach().sigmoid(), boxes.detach(), centres, gt_boxes, gt_classes, real)
    b, a = (owner >= 0).nonzero(as_tuple=True)
    k = owner[b, a]
    weight = quality[b, a]
    total = weight.sum().clamp(min=1)
    wanted = torch.zeros_like(logits)
    wanted[b, a, gt_classes[b, k]] = weight
    box_loss = ((1 - iou(boxes[b, a], gt_boxes[b, k])[1]) * weight).sum() / total
    chosen = torch.randperm(len(b), device=b.device)[:most_masks]
    b, a, k = b[chosen], a[chosen], k[chosen]
    masks = torch.einsum("pc,pchw->phw", coefficients[b, a], prototypes[b])
    truth, quarter = gt_masks[b, k], gt_boxes[b, k] / 4
    ys = torch.arange(masks.shape[1], device=b.device)[None, :, None] + 0.5
    xs = torch.arange(masks.shape[2], device=b.device)[None, None, :] + 0.5
    crop = ((xs > quarter[:, 0, None, None] - 1) & (xs < quarter[:, 2, None, None] + 1)
            & (ys > quarter[:, 1, None, None] - 1) & (ys < quarter[:, 3, None, None] + 1)).float()
    bce = (F.binary_cross_entropy_with_logits(masks, truth, reduction="none") * crop).sum((1, 2)) / crop.sum((1, 2)).clamp(min=1)
    p = masks.sigmoid() * crop
    dice = 1 - (2 * (p * truth).sum((1, 2)) + 1) / (p.sum((1, 2)) + truth.sum((1, 2)) + 1)
    mask_loss = (bce + dice).sum() / max(len(b), 1)
    p = logits.sigmoid()
    charge = torch.where(wanted > 0, wanted, 0.75 * p.detach().square())
    class_loss = (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * charge).sum() / total
    parts = {"class": class_loss.detach(), "box": box_loss.detach(), "mask": mask_loss.detach()}
    return 1.5 * class_loss + 2.5 * box_loss + 1.5 * mask_loss, parts
