"""NNCF's post-training quantisation of an ONNX model, for comparison: writes its int8 models.

usage: quantize-nncf.py MODEL.onnx CALIBRATION.npy OUTPUT_FOLDER [--full-range]

CALIBRATION.npy holds network inputs, float32 [images, ...]. Weights have 7 bits unless --full-range is given. Presets are
those of NNCF: performance (symmetric activations) and mixed (asymmetric ones). Biases are corrected by its fast method.
"""

import sys
from pathlib import Path

import nncf
import numpy
import onnx
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix
from onnxruntime.quantization.shape_inference import quant_pre_process


def main(model, calibration, folder, *flags):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    prepared = folder / "prepared.onnx"
    quant_pre_process(model, str(prepared), skip_symbolic_shape=True)
    float32 = onnx.load(prepared)
    name = float32.graph.input[0].name
    images = numpy.load(calibration)
    dataset = nncf.Dataset(list(images[:, None]), lambda image: {name: image})
    overflow_fix = OverflowFix.DISABLE if "--full-range" in flags else OverflowFix.ENABLE
    for preset in nncf.QuantizationPreset.PERFORMANCE, nncf.QuantizationPreset.MIXED:
        int8 = nncf.quantize(
            float32,
            dataset,
            preset=preset,
            target_device=nncf.TargetDevice.CPU,
            subset_size=len(images),
            advanced_parameters=AdvancedQuantizationParameters(overflow_fix=overflow_fix),
        )
        onnx.save(int8, folder / f"{preset.value}.onnx")
        print(preset.value, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
