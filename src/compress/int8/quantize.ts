import { errorAbout, type Model } from "../../onnx/index.ts";
import { calibrate } from "./calibration.ts";
import type { ImageBatch } from "./images.ts";
import { measureTime } from "./measure.ts";
import { type CheckedOptions, checkOptions, type QuantizeOptions } from "./options.ts";
import { observedValues } from "./plan.ts";
import { prepare } from "./prepare.ts";
import { Quantizer } from "./quantizer.ts";
import { nodeReports, notesOn, type QuantizationReport } from "./report.ts";
import { findUnits } from "./units.ts";

/** A model in int8, and how it was made. */
export interface QuantizedModel {
  readonly model: Model;
  readonly report: QuantizationReport;
}

/**
 * Makes the static int8 form of a classifier (QDQ): u8 activations, s8 weights with a scale for each output channel.
 *
 * The images are read once, in bounded memory. A quarter of them is held out: on these the agreement with the float32
 * network is measured; the others give the ranges of activations and the corrections of biases.
 *
 * @param batches network inputs, prepared and normalised as the model wants them
 * @throws UnsupportedOperatorError or ModelError for a model that cannot be quantised (they
 *   name the file that it was read from), CalibrationError for too few
 *   images, UsageError for options, and the signal's reason after an abort
 */
export async function quantizeModel(
  model: Model,
  batches: AsyncIterable<ImageBatch>,
  options: QuantizeOptions = {},
): Promise<QuantizedModel> {
  const checked = checkOptions(options);
  try {
    return await quantizeChecked(model, batches, checked);
  } catch (error) {
    throw errorAbout(model, error);
  }
}

async function quantizeChecked(
  model: Model,
  batches: AsyncIterable<ImageBatch>,
  checked: CheckedOptions,
): Promise<QuantizedModel> {
  const prepared = await prepare(model);
  const values = observedValues(prepared, findUnits(prepared).units);
  const calibration = await calibrate(prepared, values, batches, checked);
  const quantizer = await Quantizer.create(prepared, calibration, checked);
  const best = await quantizer.reach(checked.minAgreement ?? 0);
  checked.onProgress("measure", 0, 1);
  const time = await measureTime(model, best.model, calibration.heldOut);
  const images = { calibration: calibration.count, heldOut: calibration.heldOut.length };
  const { units, givenBack } = best;
  const report: QuantizationReport = {
    nodes: nodeReports(units, best.plan, quantizer.ranges),
    method: quantizer.method,
    weightBits: quantizer.weightBits,
    biasCorrection: checked.biasCorrection,
    images,
    agreement: best.agreement,
    givenBack,
    time,
    notes: notesOn({ time, images, givenBack, units, minAgreement: checked.minAgreement }),
  };
  return { model: best.model, report };
}
