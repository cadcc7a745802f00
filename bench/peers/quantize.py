"""ONNX Runtime's own static quantisation, for comparison: writes the int8 model of each calibrator.

usage: quantize.py MODEL.onnx CALIBRATION.npy OUTPUT_FOLDER [--full-range]

CALIBRATION.npy holds network inputs, float32 [images, ...]. Weights have 7 bits unless --full-range is given.
"""

import sys
from pathlib import Path

import numpy
from onnxruntime import InferenceSession
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

BATCH = 8


class Images(CalibrationDataReader):
    def __init__(self, images, name):
        self.batches = iter([{name: images[i : i + BATCH]} for i in range(0, len(images), BATCH)])

    def get_next(self):
        return next(self.batches, None)


def main(model, calibration, folder, *flags):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images = numpy.load(calibration)
    name = InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name
    prepared = folder / "prepared.onnx"
    quant_pre_process(model, str(prepared), skip_symbolic_shape=True)
    for method in CalibrationMethod.MinMax, CalibrationMethod.Percentile, CalibrationMethod.Entropy:
        quantize_static(
            str(prepared),
            str(folder / f"{method.name.lower()}.onnx"),
            Images(images, name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range="--full-range" not in flags,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
        )
        print(method.name.lower(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
