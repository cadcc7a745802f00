"""Trains a residual network with PyTorch on CPU, so many steps at a time, and prints how long they took.

usage: train-throughput.py NETWORK_JSON BATCH THREADS

Reads a number of steps a line from standard input and answers with seconds a line. The network is a list of stages, each a
3x3 convolution and residual blocks of two, BatchNormalization after each; then mean pooling and one linear layer.
"""

import json
import sys
import time

import torch
from torch import nn


def convolution(source, target, stride=1):
    return nn.Sequential(nn.Conv2d(source, target, 3, stride, 1, bias=False), nn.BatchNorm2d(target))


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(convolution(channels, channels), nn.ReLU(), convolution(channels, channels))

    def forward(self, x):
        return torch.relu(self.body(x) + x)


def build(network):
    layers, channels = [], network["input"][0]
    for stage in network["stages"]:
        layers += [convolution(channels, stage["channels"], stage["stride"]), nn.ReLU()]
        channels = stage["channels"]
        layers += [Block(channels) for _ in range(stage["blocks"])]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, network["classes"]))


def main(description, batch, threads):
    network, batch = json.loads(description), int(batch)
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    model = build(network).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images = torch.randn(batch, *network["input"]).to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % network["classes"]
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimiser.step()
        print(time.perf_counter() - start, flush=True)


main(*sys.argv[1:])
