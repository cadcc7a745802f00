"""Exports classifiers of the families of keras.applications, with random weights, for bench/peers/coverage.ts.

coverage.ts makes the environment and calls this: coverage-keras.py FOLDER. TensorFlow keeps colours last (NHWC); tf2onnx
puts transposes where ONNX wants them first, and computes shapes where TensorFlow did.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
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
SIDES = {"InceptionResNetV2": 299, "InceptionV3": 299, "Xception": 299}


def settle(model, side):
    """Lets BatchNormalization see some images: fresh statistics would leave the answers meaningless."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(tensorflow.random.uniform((4, side, side, 3), 0, 255), training=True)


def export(name, target):
    keras.utils.set_random_seed(1)
    side = SIDES.get(name, 224)
    model = getattr(keras.applications, name)(weights=None, input_shape=(side, side, 3))
    settle(model, side)
    signature = [tensorflow.TensorSpec((None, side, side, 3), tensorflow.float32, name="images")]
    answer = tensorflow.function(lambda images: model(images, training=False))
    tf2onnx.convert.from_function(answer, signature, opset=17, output_path=str(target))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in FAMILIES:
        target = folder / f"{name}.keras.onnx"
        if target.exists():
            continue
        try:
            export(name, target)
        except Exception as error:  # the exporter's own limits are part of the list
            target.unlink(missing_ok=True)
            (folder / f"{name}.keras.failed").write_text(str(error).splitlines()[0] if str(error) else repr(error))
        print(target.name, flush=True)


main(Path(sys.argv[1]))
