import type { Model } from "../../onnx/index.ts";
import type { Dataset, Progress, TrainingOptions } from "../../train/index.ts";
import type { Compression } from "../pipeline/context.ts";
import { CurveRecorder } from "../pipeline/curve.ts";
import { showTraining, timeEpoch, trainingSecondsLeft } from "../pipeline/training.ts";
import { integerModel } from "./integers.ts";
import { learnIntegers } from "./learn.ts";

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
    const secondsPerEpoch = await timeEpoch(data, (few, options) =>
      learnIntegers(network, few, { ...options, rate }, compression),
    );
    return Math.min(mostEpochs, Math.max(0, Math.floor(trainingSecondsLeft(compression) / secondsPerEpoch)));
  });
}

/** Trains a network with quantisers, or goes on doing so; its curve, which judges the integers, and checkpoints lie in the work folder. */
export function trainIntegers(
  { name, rate, epochs }: Pick<TrainingPlan, "name" | "rate"> & { readonly epochs: number },
  network: Model,
  data: Dataset,
  compression: Compression,
): Promise<Model> {
  const curve = new CurveRecorder(name, compression);
  const checkpoint = compression.work.file(`${name}.checkpoint`);
  const onStep = (progress: Progress): void => {
    curve.advance(progress);
    showTraining(name, progress, compression);
  };
  const onEpoch: TrainingOptions["onEpoch"] = (epoch, trained) =>
    curve.judge(epoch, async () => integerModel(await trained()));
  return learnIntegers(network, data, { rate, epochs, checkpoint, onStep, onEpoch }, compression);
}
