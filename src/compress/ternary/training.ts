import type { Model } from "../../onnx/index.ts";
import type { Dataset } from "../../train/index.ts";
import type { Compression } from "../pipeline/context.ts";
import { CurveRecorder } from "../pipeline/curve.ts";
import { learnIntegers, timeEpoch } from "./learn.ts";

/** Share of what is left of the budget that goes to training; the rest is for calibration and the report. */
const trainingShare = 0.9;

/** What a training in a compression is called, and how it learns. */
export interface TrainingPlan {
  readonly name: string;
  /** The largest learning rate. */
  readonly rate: number;
  /** Beyond so many passes over the images nothing is gained. */
  readonly mostEpochs: number;
}

/** Passes over the images that the time left allows on this machine; the same in a run that goes on. */
export function epochsWithin(
  { name, rate, mostEpochs }: TrainingPlan,
  network: Model,
  data: Dataset,
  compression: Compression,
): Promise<number> {
  return compression.work.once(`timing ${name}`, async () => {
    const secondsPerEpoch = await timeEpoch(network, data, { ...learning(compression), rate });
    const seconds = (trainingShare * (compression.deadline - performance.now())) / 1000;
    return Math.min(mostEpochs, Math.max(0, Math.floor(seconds / secondsPerEpoch)));
  });
}

/** Trains a network with quantisers, or goes on doing so; its curve and checkpoints lie in the work folder. */
export function trainIntegers(
  { name, rate, epochs }: Pick<TrainingPlan, "name" | "rate"> & { readonly epochs: number },
  network: Model,
  data: Dataset,
  compression: Compression,
): Promise<Model> {
  const curve = new CurveRecorder(name, compression);
  return learnIntegers(network, data, {
    ...learning(compression),
    rate,
    epochs,
    checkpoint: compression.work.file(`${name}.checkpoint`),
    onStep: (progress) => {
      const { step, steps, loss, secondsLeft } = progress;
      curve.advance(progress);
      const left = `${Math.ceil(secondsLeft / 60)} min left`;
      compression.onProgress(`training ${name}`, step, steps, `loss ${loss.toFixed(3)}, ${left}`);
    },
  });
}

const learning = ({ seed, normalisation, threads, labelled, flip, signal }: Compression) => ({
  seed,
  normalisation,
  threads,
  labelled,
  flip,
  signal,
});
