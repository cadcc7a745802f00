"""Makes test/data/golden: small synthetic images, and what Pillow makes of them.

    pip install numpy "pillow<13"
    python bench/peers/golden-preprocessing.py test/data/golden

Pillow below 13 always resizes horizontally first. Pillow 13 goes vertically first where the height shrinks by more than
twice as many pixels as the width, which changes some bytes of such images by 1. torchvision's transforms hand PIL images to Pillow; what they add, the sizes of `Resize` and
`CenterCrop`, is written out below. The images are drawn here, from a seed, and belong to this project.
"""

import json
import sys
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageDraw

RESAMPLERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def scene(width, height, seed, noise=6):
    """Gradients, waves, shapes with hard edges, and some noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [127 + 100 * np.sin(a * x + b * y + c) for a, b, c in random.uniform(1, 25, (3, 3))]
    pixels = np.stack(waves, axis=-1) + random.normal(0, noise, (height, width, 3))
    image = Image.fromarray(pixels.clip(0, 255).astype("uint8"))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        left, top = int(random.integers(width)), int(random.integers(height))
        box = [left, top, left + int(random.integers(2, width)), top + int(random.integers(2, height))]
        colour = tuple(int(c) for c in random.integers(0, 256, 3))
        draw.ellipse(box, fill=colour) if random.random() < 0.5 else draw.rectangle(box, outline=colour, width=3)
    return image


def images():
    """File name -> image and how to save it."""
    photo, tall, tiny = scene(400, 299, 1), scene(151, 263, 2), scene(32, 32, 3)
    rotated = Image.Exif()
    rotated[0x0112] = 6
    translucent = scene(60, 45, 4).convert("RGBA")
    translucent.putalpha(scene(60, 45, 5).convert("L"))
    return {
        "photo-420.jpg": (photo, dict(quality=80)),
        "photo-odd.jpg": (tall, dict(quality=75)),
        "photo-422.jpg": (scene(75, 50, 6), dict(quality=85, subsampling=1)),
        "photo-444.jpg": (scene(75, 50, 7), dict(quality=90, subsampling=0)),
        "progressive.jpg": (scene(75, 50, 8), dict(quality=85, progressive=True)),
        "restart.jpg": (scene(49, 51, 14), dict(quality=85, restart_marker_blocks=2)),
        "optimised.jpg": (scene(33, 17, 15), dict(quality=30, optimize=True)),
        "exif-rotated.jpg": (scene(75, 50, 9), dict(quality=85, exif=rotated)),
        "grey.jpg": (scene(60, 45, 10).convert("L"), dict(quality=85)),
        "tiny.jpg": (tiny, dict(quality=75)),
        "translucent.png": (translucent, {}),
        "palette.png": (scene(60, 45, 11, noise=0).quantize(32), {}),
        "lossless.webp": (scene(60, 45, 12), dict(lossless=True)),
        "frames.gif": (scene(60, 45, 13, noise=0).quantize(64), {}),
    }


def presets():
    imagenet = dict(resize=dict(mode="shorter", size=256), crop=dict(mode="center", size=224), **IMAGENET)
    return {
        "imagenet": imagenet,
        "cifar10": dict(resize=dict(mode="exact", size=32), **IMAGENET),
        "fashion-mnist": dict(resize=dict(mode="exact", size=28), color="grey", mean=[0.286], std=[0.353]),
    }


def cases():
    """Name -> image file and preprocessing; a string is a preset."""
    every = {f"cifar10 of {name}": (name, "cifar10") for name in images()}
    unresized = {
        f"middle of {name}": (name, dict(resize=dict(mode="none"), crop=dict(mode="center", size=[40, 48])))
        for name in images()
    }
    return {
        **every,
        **unresized,
        "imagenet of photo-420.jpg": ("photo-420.jpg", "imagenet"),
        "imagenet of photo-odd.jpg": ("photo-odd.jpg", "imagenet"),
        "fashion-mnist of tiny.jpg": ("tiny.jpg", "fashion-mnist"),
        "fashion-mnist of grey.jpg": ("grey.jpg", "fashion-mnist"),
        "bicubic": ("photo-odd.jpg", dict(
            resize=dict(mode="shorter", size=61), resampler="bicubic", crop=dict(mode="center", size=[56, 55]))),
        "lanczos in BGR": ("photo-odd.jpg", dict(
            resize=dict(mode="exact", size=[40, 70]), resampler="lanczos", color="bgr")),
        "padded": ("tiny.jpg", dict(resize=dict(mode="shorter", size=20), crop=dict(mode="center", size=[25, 27]))),
    }


def pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def resize(image, spec):
    """torchvision.transforms.Resize: the longer side is truncated to a whole number."""
    mode, width, height = spec["resize"]["mode"], *image.size
    if mode == "none":
        return image
    size = spec["resize"]["size"]
    if mode == "exact":
        height, width = pair(size)
    elif width <= height:
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    return image.resize((width, height), RESAMPLERS[spec.get("resampler", "bilinear")])


def crop(image, spec):
    """torchvision.transforms.CenterCrop: padded with black, halves rounded to even."""
    if "crop" not in spec:
        return image
    height, width = pair(spec["crop"]["size"])
    if width > image.width or height > image.height:
        left, top = max(0, (width - image.width) // 2), max(0, (height - image.height) // 2)
        padded = Image.new(image.mode, (max(width, image.width), max(height, image.height)))
        padded.paste(image, (left, top))
        image = padded
    left, top = int(round((image.width - width) / 2.0)), int(round((image.height - height) / 2.0))
    return image.crop((left, top, left + width, top + height))


def prepare(file, spec):
    color = spec.get("color", "rgb")
    image = Image.open(file).convert("L" if color == "grey" else "RGB")
    pixels = np.asarray(crop(resize(image, spec), spec))
    planes = pixels[None] if color == "grey" else pixels.transpose(2, 0, 1)
    return planes[::-1] if color == "bgr" else planes


def resampled():
    """Noise, the hardest input, through each filter to sizes above and below its own."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype="uint8"))
    sizes = [(31, 23), (31, 9), (7, 23), (13, 10), (1, 1), (62, 46), (100, 5), (29, 37)]
    yield "noise", np.asarray(noise)
    for name, filter in RESAMPLERS.items():
        for size in sizes:
            yield f"{name} to {size[0]} x {size[1]}", np.asarray(noise.resize(size, filter))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (image, options) in images().items():
        image.save(folder / name, **options)
    known = presets()
    expected = {
        name: prepare(folder / file, known[spec] if isinstance(spec, str) else spec)
        for name, (file, spec) in cases().items()
    }
    np.savez_compressed(folder / "planes.npz", **expected)
    np.savez_compressed(folder / "resampled.npz", **dict(resampled()))
    index = {
        "madeBy": f"bench/peers/golden-preprocessing.py with Pillow {PIL.__version__}, NumPy {np.__version__}",
        "cases": [dict(name=name, image=file, preprocessing=spec) for name, (file, spec) in cases().items()],
    }
    (folder / "cases.json").write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
