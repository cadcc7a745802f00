"""Exports classifiers of every torchvision family, with random weights, for bench/peers/coverage.ts.

coverage.ts makes the environment and calls this: coverage.py FOLDER. A line is printed for every export, when it is there;
all that are to come are named in FOLDER/coverage.names.
"""

import sys
from pathlib import Path

import torch
import torchvision

FAMILIES = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet1_0",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
    "swin_t",
    "swin_v2_t",
    "vgg11",
    "vgg11_bn",
    "vit_b_16",
    "wide_resnet50_2",
]
# Pictures are small where the layers stay the same: pooling to fixed sizes and windows want the usual ones.
SIDE = 96
SIDES = {"inception_v3": 128} | dict.fromkeys(["alexnet", "maxvit_t", "swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vit_b_16"], 224)
EXPORTERS = {"torchscript": False, "dynamo": True}
WITHOUT_AUXILIARY_HEADS = {"googlenet": {"aux_logits": False, "init_weights": True}, "inception_v3": {"aux_logits": False, "init_weights": True}}


def settle(model: torch.nn.Module, images: torch.Tensor) -> None:
    """Lets BatchNormalization see some images: fresh statistics would leave the logits meaningless."""
    model.train()
    with torch.no_grad():
        model(images)
    model.eval()


def export(name: str, dynamo: bool, target: Path) -> None:
    torch.manual_seed(1)
    model = torchvision.models.get_model(name, weights=None, **WITHOUT_AUXILIARY_HEADS.get(name, {}))
    side = SIDES.get(name, SIDE)
    images = torch.randn(4, 3, side, side)
    settle(model, images)
    batch = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if dynamo else {"dynamic_axes": {"input": {0: "batch"}}}
    torch.onnx.export(
        model, (images,), str(target), input_names=["input"], output_names=["logits"],
        dynamo=dynamo, external_data=False, verbose=False, **batch
    )


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "coverage.names").write_text("\n".join(f"{name}.{exporter}" for name in FAMILIES for exporter in EXPORTERS))
    for name in FAMILIES:
        for exporter, dynamo in EXPORTERS.items():
            target = folder / f"{name}.{exporter}.onnx"
            failed = target.with_suffix(".failed")
            if not target.exists() and not failed.exists():
                part = target.with_suffix(".part")
                try:
                    export(name, dynamo, part)
                    part.rename(target)
                except Exception as error:  # the exporter's own limits are part of the list
                    failed.write_text(next(iter(str(error).splitlines()), repr(error)))
            print(target.stem, flush=True)


main()
