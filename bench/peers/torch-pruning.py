"""Torch-Pruning and fine-tuning of a CIFAR ResNet within a time budget, for bench/peers/torch-pruning.ts.

usage: torch-pruning.py MODEL.onnx IMAGES.npy LABELS.npy OUT.onnx MINUTES MACS THREADS SEED

IMAGES.npy holds bytes [images, 3, 32, 32], normalised here as the environment variables SCALE and OFFSET say, LABELS.npy
their classes. MACS is the share of multiply-adds that stays, 0 to 1. Prints what was done as one line of JSON.

The network is that of He et al. 2016, section 4.2. Its weights come from the ONNX file, where BatchNormalization is folded
away; fine-tuning wants it back, so each convolution gets one that, with the statistics of the training images, changes
nothing. Shortcuts of stages are 1x1 convolutions that begin as the file's subsampling with zeros, so that the pruner can
follow the residual stream. Pruning: Fang et al., "DepGraph: towards any structural pruning", CVPR 2023: groups ranked by
magnitude over the whole network, channels in multiples of 8. Fine-tuning: SGD, cosine rate over the minutes left.
"""

import json
import math
import os
import sys
import time

import numpy
import onnx
import torch
import torch_pruning
from onnx import numpy_helper
from torch import nn

BATCH = 128
PEAK_RATE = 0.05
STEPS = 50


class Block(nn.Module):
    def __init__(self, source, target, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(source, target, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(target)
        self.conv2 = nn.Conv2d(target, target, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(target)
        self.shortcut = nn.Identity() if source == target else subsampling(source, target, stride)

    def forward(self, x):
        inner = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


def subsampling(source, target, stride):
    """Every `stride`th pixel of the channels, with as many channels of zeros before and after (option A)."""
    convolution = nn.Conv2d(source, target, 1, stride, bias=False)
    with torch.no_grad():
        convolution.weight.zero_()
        for channel in range(source):
            convolution.weight[(target - source) // 2 + channel, channel] = 1
    return convolution


class ResNet(nn.Module):
    def __init__(self, depth, classes):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        layers, channels = [], 16
        for width, stride in (16, 1), (32, 2), (64, 2):
            for block in range(blocks):
                layers.append(Block(channels, width, stride if block == 0 else 1))
                channels = width
        self.blocks = nn.Sequential(*layers)
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        return self.linear(self.blocks(torch.relu(self.bn(self.conv(x)))).mean((2, 3)))

    def convolutions(self):
        """Each 3x3 convolution and its BatchNormalization, in the order of the ONNX file."""
        yield self.conv, self.bn
        for block in self.blocks:
            yield block.conv1, block.bn1
            yield block.conv2, block.bn2


def load(path, images):
    graph = onnx.load(path).graph
    constants = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    layers = [[constants[name] for name in node.input[1:]] for node in graph.node if node.op_type in ("Conv", "Gemm")]
    *convolutions, (weight, bias) = layers
    model = ResNet(len(layers), len(bias))
    model.linear.load_state_dict({"weight": weight, "bias": bias})
    pairs = list(model.convolutions())
    if len(pairs) != len(convolutions):
        raise SystemExit(f"{path} is no CIFAR ResNet with BatchNormalization folded: {len(layers)} layers")
    for (convolution, norm), (weight, bias) in zip(pairs, convolutions):
        convolution.load_state_dict({"weight": weight})
        norm.register_forward_pre_hook(neutral(bias))
    model.eval()
    with torch.no_grad():
        model(images)
    for _, norm in pairs:
        norm._forward_pre_hooks.clear()
    return model


def neutral(bias):
    """Sets a BatchNormalization so that, at the statistics of what it is given, it only adds `bias`."""

    def hook(norm, inputs):
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean + bias)

    return hook


def prune(model, example, share):
    """Removes channels step by step until no more than this share of multiply-adds is left."""
    full, _ = torch_pruning.utils.count_ops_and_params(model, example)
    pruner = torch_pruning.pruner.BasePruner(
        model,
        example,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        global_pruning=True,
        pruning_ratio=0.95,
        max_pruning_ratio=0.9,
        iterative_steps=STEPS,
        round_to=8,
        ignored_layers=[model.linear],
    )
    for _ in range(STEPS):
        left, parameters = torch_pruning.utils.count_ops_and_params(model, example)
        if left <= share * full:
            return {"macs": left, "share": left / full, "parameters": parameters}
        pruner.step()
    raise SystemExit(f"pruning stops at {left / full:.2f} of the multiply-adds; ask for more than that")


def augmented(images, generator):
    """Mirrored at random, moved by up to 4 pixels over a border of zeros."""
    flip = torch.rand(len(images), generator=generator) < 0.5
    images = torch.where(flip[:, None, None, None], images.flip(3), images)
    padded = nn.functional.pad(images, (4, 4, 4, 4))
    moves = torch.randint(0, 9, (len(images), 2), generator=generator).tolist()
    return torch.stack([image[:, y : y + 32, x : x + 32] for image, (y, x) in zip(padded, moves)])


def fine_tune(model, images, labels, deadline, generator):
    """Whole passes in random order until the deadline; the learning rate goes by the clock."""
    optimiser = torch.optim.SGD(model.parameters(), lr=PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    started, steps, order = time.monotonic(), 0, []
    model.train()
    while (now := time.monotonic()) < deadline:
        if len(order) < BATCH:
            order = torch.randperm(len(images), generator=generator).tolist()
        batch, order = order[:BATCH], order[BATCH:]
        progress = (now - started) / (deadline - started)
        optimiser.param_groups[0]["lr"] = PEAK_RATE * (1 + math.cos(math.pi * progress)) / 2
        optimiser.zero_grad()
        inputs = normalise(augmented(images[batch], generator))
        nn.functional.cross_entropy(model(inputs), labels[batch]).backward()
        optimiser.step()
        steps += 1
    model.eval()
    return {"steps": steps, "epochs": steps * BATCH / len(images)}


def normalise(images):
    scale, offset = (torch.tensor(json.loads(os.environ[name])).view(1, 3, 1, 1) for name in ("SCALE", "OFFSET"))
    return images.float() * scale + offset


def export(model, like, target):
    graph = onnx.load(like).graph
    names = {"input_names": [graph.input[0].name], "output_names": [graph.output[0].name]}
    batch = {name: {0: "batch"} for group in names.values() for name in group}
    torch.onnx.export(model, (torch.zeros(2, 3, 32, 32),), target, dynamo=False, opset_version=17, dynamic_axes=batch, **names)


def main(path, images, labels, target, minutes, share, threads, seed):
    deadline = time.monotonic() + 60 * float(minutes)
    torch.set_num_threads(int(threads))
    torch.manual_seed(int(seed))
    generator = torch.Generator().manual_seed(int(seed))
    images = torch.from_numpy(numpy.load(images))
    labels = torch.from_numpy(numpy.load(labels))
    model = load(path, normalise(images[torch.randperm(len(images), generator=generator)[:512]]))
    pruned = prune(model, torch.zeros(1, 3, 32, 32), float(share))
    tuned = fine_tune(model, images, labels, deadline, generator)
    export(model, path, target)
    print(json.dumps({**pruned, **tuned}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
