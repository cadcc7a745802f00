import type { Model } from "../../onnx/index.ts";
import type { Dataset } from "../../train/index.ts";
import type { Compression } from "../pipeline/context.ts";
import { type LearnOptions, timeEpoch } from "./learn.ts";

/** Share of what is left of the budget that goes to training; the rest is for calibration and the report. */
const trainingShare = 0.9;
/** Beyond so many passes nothing is gained. */
const mostEpochs = 60;

/** Passes over the images that the time left allows on this machine; one at least. */
export async function epochsWithin(
  { deadline }: Pick<Compression, "deadline">,
  network: Model,
  data: Dataset,
  options: Omit<LearnOptions, "epochs">,
): Promise<number> {
  const secondsPerEpoch = await timeEpoch(network, data, options);
  const seconds = (trainingShare * (deadline - performance.now())) / 1000;
  return Math.min(mostEpochs, Math.max(1, Math.floor(seconds / secondsPerEpoch)));
}
