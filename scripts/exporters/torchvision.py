"""Mask R-CNN by torchvision, traced or captured by torch, with torchvision's own answer of the traced network in onnxruntime."""

from .common import LEAST, SIDE, Row, answer, names, session

VERSIONS = {"installed": []}
ROWS = [
    Row("maskrcnn small", {"opset": 11}), Row("maskrcnn small", {"opset": 17}), Row("maskrcnn small", {"opset": 20, "dynamic": True}),
    Row("maskrcnn small", {"dynamic": True}, 1), Row("maskrcnn small", {"dynamic": True, "names": False}), Row("maskrcnn small", {"dynamic": True}, 80),
    Row("maskrcnn small", {"dynamo": True}), Row("maskrcnn_resnet50_fpn_v2", {"dynamic": True}),
]


def make(row, folder, pictures):
    import torch
    arguments = row.arguments
    torch.manual_seed(sum(row.title.encode()))
    model = small(row.classes) if row.network.endswith("small") else large(row.classes)
    vary(model)
    target = folder / "models/export/1/model.onnx"
    image = tensor(pictures[0])
    outputs = ["boxes", "labels", "scores", "masks"]
    axes = {"image": {1: "height", 2: "width"}, "boxes": {0: "n"}, "labels": {0: "n"}, "scores": {0: "n"}, "masks": {0: "n", 2: "height", 3: "width"}}
    named = arguments.get("names", True)
    if not named:
        torch.onnx.export(model, ([image],), str(target), opset_version=arguments.get("opset", 17), dynamo=False)
    else:
        torch.onnx.export(model, ([image],), str(target), opset_version=arguments.get("opset", 18), dynamo=arguments.get("dynamo", False),
                          input_names=["image"], output_names=outputs, dynamic_axes=axes if arguments.get("dynamic") else None)
    (target.parent / "class_names.txt").write_text("\n".join(["__background__", *names(row.classes)]) + "\n")
    network = session(target)
    answers = []
    for k, path in enumerate(pictures):
        x = tensor(path)
        height, width = x.shape[1:]
        shape = network.get_inputs()[0].shape
        if isinstance(shape[1], int):
            # A network of a fixed size gets the picture in the upper left corner.
            padded = torch.zeros(3, *shape[1:])
            padded[:, :height, :width] = x
            x = padded
        boxes, labels, scores, masks = network.run(None, {network.get_inputs()[0].name: x.numpy()})
        for box, label, score, mask in zip(boxes, labels, scores, masks):
            mask = mask[0, :height, :width] > 0.5
            if score >= LEAST and mask.any():
                answers.append(answer(k, [min(max(v, 0), m) for v, m in zip(box, (width, height) * 2)], score, label - 1, mask))
    return answers


def tensor(path):
    import torchvision.transforms.functional as F
    from PIL import Image
    return F.to_tensor(Image.open(path).convert("RGB"))


def small(classes):
    from torch import nn
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
    from torchvision.ops import MultiScaleRoIAlign
    def block(i, o, s):
        return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
    backbone = nn.Sequential(block(3, 16, 2), block(16, 16, 2), block(16, 16, 2))
    backbone.out_channels = 16
    return MaskRCNN(backbone, num_classes=None, min_size=SIDE, max_size=2 * SIDE, rpn_anchor_generator=AnchorGenerator(((16, 32, 64),), ((0.5, 1.0, 2.0),)),
                    box_roi_pool=MultiScaleRoIAlign(["0"], 5, 2), box_head=TwoMLPHead(16 * 25, 32), box_predictor=FastRCNNPredictor(32, classes + 1),
                    mask_roi_pool=MultiScaleRoIAlign(["0"], 14, 2), mask_head=MaskRCNNHeads(16, (16,), 1), mask_predictor=MaskRCNNPredictor(16, 16, classes + 1),
                    rpn_pre_nms_top_n_test=200, rpn_post_nms_top_n_test=60, box_detections_per_img=40, box_score_thresh=LEAST)


def large(classes):
    from torchvision.models.detection import maskrcnn_resnet50_fpn_v2
    return maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=classes + 1, min_size=SIDE, max_size=2 * SIDE, rpn_pre_nms_top_n_test=200,
                                    rpn_post_nms_top_n_test=60, box_detections_per_img=40, box_score_thresh=LEAST)


def vary(model):
    import torch
    model.eval()
    seen = []
    score = model.roi_heads.box_predictor.cls_score
    hook = score.register_forward_hook(lambda _, __, output: seen.append(output.detach()))
    torch.manual_seed(1)
    with torch.no_grad():
        model([torch.rand(3, SIDE, SIDE)])
    hook.remove()
    scale = 2.0 / float(seen[0].std(0).mean())
    score.bias.data = (score.bias.data - seen[0].mean(0)) * scale
    score.weight.data *= scale
    model.rpn.head.cls_logits.weight.data *= 50
    model.roi_heads.mask_predictor.mask_fcn_logits.weight.data *= 4
