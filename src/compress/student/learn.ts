import { foldBatchNormalization, type Model } from "../../onnx/index.ts";
import {
  type Dataset,
  distillation,
  residualNetwork,
  sgd,
  type TrainingOptions,
  train,
  triangular,
} from "../../train/index.ts";
import type { Compression } from "../pipeline/context.ts";
import { type StudentWidth, studentNetwork } from "./family.ts";
import { shiftFor } from "./schedule.ts";

/** Of the learning rate. */
export const usualPeak = 0.2;

export interface LearnOptions extends Pick<TrainingOptions, "epochs" | "onStep" | "onEpoch"> {
  readonly width: StudentWidth;
  /** Of the learning rate; default the usual one. */
  readonly peak?: number;
  readonly checkpoint?: string;
}

const batch = 128;

/**
 * Trains a student from scratch on the teacher's logits and, where they are true, the labels: half cross-entropy, half
 * divergence from the teacher at temperature 3, by SGD with Nesterov's momentum on a triangular schedule.
 *
 * @param data - with the teacher's logits; of the mirrored images too with `flip`
 * @returns the averaged network, BatchNormalization folded
 * @throws TrainingError when the loss is no longer a number
 */
export async function learnStudent(
  data: Dataset,
  { width, peak = usualPeak, checkpoint, ...options }: LearnOptions,
  { seed, normalisation, threads, labelled, flip, signal }: Compression,
): Promise<Model> {
  const network = residualNetwork(studentNetwork(width, data.shape, data.teacher!.classes), seed);
  const trained = await train(network, data, {
    ...options,
    batch: Math.min(batch, data.labels.length),
    seed,
    normalisation,
    threads,
    augmentation: { shift: shiftFor(data), alternatingFlip: flip },
    loss: distillation({ labels: labelled ? 0.5 : 0, temperature: 3 }),
    optimiser: sgd({ momentum: 0.9, weightDecay: 5e-4 }),
    rate: triangular({ peak }),
    ...(checkpoint === undefined ? {} : { checkpoint: { file: checkpoint, everySteps: 100 } }),
    ...(signal === undefined ? {} : { signal }),
  });
  return foldBatchNormalization(trained);
}
