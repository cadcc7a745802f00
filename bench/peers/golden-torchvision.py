"""Runs torchvision's own transforms on the golden images of test/data/golden: all planes must be those stored there.

    pip install torchvision "pillow<13"
    python bench/peers/golden-torchvision.py test/data/golden
"""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

golden = importlib.import_module("golden-preprocessing")


def transform(spec):
    steps = []
    if spec["resize"]["mode"] != "none":
        size = spec["resize"]["size"]
        exact = spec["resize"]["mode"] == "exact"
        mode = InterpolationMode(spec.get("resampler", "bilinear"))
        steps.append(Resize(golden.pair(size) if exact else size, interpolation=mode))
    if "crop" in spec:
        steps.append(CenterCrop(golden.pair(spec["crop"]["size"])))
    return Compose(steps)


def planes(file, spec):
    color = spec.get("color", "rgb")
    pixels = np.asarray(transform(spec)(Image.open(file).convert("L" if color == "grey" else "RGB")))
    stacked = pixels[None] if color == "grey" else pixels.transpose(2, 0, 1)
    return stacked[::-1] if color == "bgr" else stacked


def main(folder):
    stored = np.load(folder / "planes.npz")
    known = golden.presets()
    different = []
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    for case in cases:
        spec = case["preprocessing"]
        made = planes(folder / case["image"], known[spec] if isinstance(spec, str) else spec)
        if not np.array_equal(made, stored[case["name"]]):
            different.append(case["name"])
    print(f"{len(cases) - len(different)} of {len(cases)} cases equal", *different, sep="\n")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
