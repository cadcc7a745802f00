"""Exports classifiers of the families of keras.applications, with random weights, for bench/peers/coverage.ts.

coverage.ts makes the environment and calls this: coverage-keras.py FOLDER. A line is printed for every
export, when it is there; all that are to come are named in FOLDER/coverage-keras.names. TensorFlow keeps colours last (NHWC); tf2onnx
puts transposes where ONNX wants them first, and computes shapes where TensorFlow did.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import onnx
import tensorflow
import tf2onnx

FAMILIES = [
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "Xception",
]
# Pictures are small: the layers stay the same.
SIDE = 96
# Constants that it computes would become inputs of the exported network.
WITHOUT_PREPROCESSING = ["ConvNeXtTiny", "EfficientNetV2B0"]
SIDES = {"InceptionResNetV2": 128, "InceptionV3": 128, "Xception": 128}


def settle(model, side):
    """Lets BatchNormalization see some images: fresh statistics would leave the answers meaningless."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(tensorflow.random.uniform((4, side, side, 3), 0, 255), training=True)


def export(name, target):
    keras.utils.set_random_seed(1)
    side = SIDES.get(name, SIDE)
    options = {"include_preprocessing": False} if name in WITHOUT_PREPROCESSING else {}
    model = getattr(keras.applications, name)(weights=None, input_shape=(side, side, 3), **options)
    settle(model, side)
    signature = [tensorflow.TensorSpec((None, side, side, 3), tensorflow.float32, name="images")]
    answer = tensorflow.function(lambda images: model(images, training=False))
    tf2onnx.convert.from_function(answer, signature, opset=17, output_path=str(target))
    onnx.checker.check_model(str(target))  # tf2onnx passes on operators that ONNX does not have


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "coverage-keras.names").write_text("\n".join(f"{name}.keras" for name in FAMILIES))
    for name in FAMILIES:
        target = folder / f"{name}.keras.onnx"
        failed = target.with_suffix(".failed")
        if not target.exists() and not failed.exists():
            part = target.with_suffix(".part")
            try:
                export(name, part)
                part.rename(target)
            except Exception as error:  # the exporter's own limits are part of the list
                failed.write_text(next(iter(str(error).splitlines()), repr(error)))
        print(target.stem, flush=True)


main(Path(sys.argv[1]))
