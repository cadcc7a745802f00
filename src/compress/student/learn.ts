import type { Normalisation } from "../../data/index.ts";
import { foldBatchNormalization, type Model } from "../../onnx/index.ts";
import {
  type Dataset,
  distillation,
  type Progress,
  residualNetwork,
  sgd,
  train,
  triangular,
} from "../../train/index.ts";
import { type StudentWidth, studentNetwork } from "./family.ts";
import { shiftFor } from "./schedule.ts";

export interface LearnOptions {
  readonly width: StudentWidth;
  readonly epochs: number;
  readonly seed: number;
  readonly normalisation: Normalisation;
  readonly threads: number;
  /** Whether the labels are true; else they are the teacher's own answers, and teach nothing more. */
  readonly labelled: boolean;
  /** Whether a mirrored picture shows the same class. */
  readonly flip: boolean;
  readonly checkpoint?: string;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (progress: Progress) => void;
}

const batch = 128;

/**
 * Trains a student from scratch on the teacher's logits and, where there are any, the labels: half cross-entropy, half
 * divergence from the teacher at temperature 3, by SGD with Nesterov's momentum on a triangular schedule.
 *
 * @param data - with the teacher's logits; of the mirrored images too with `flip`
 * @returns the averaged network, BatchNormalization folded
 * @throws TrainingError when the loss is no longer a number
 */
export async function learnStudent(data: Dataset, options: LearnOptions): Promise<Model> {
  const { width, seed, checkpoint, signal, onStep, flip } = options;
  const network = residualNetwork(studentNetwork(width, data.shape, data.teacher!.classes), seed);
  const trained = await train(network, data, {
    epochs: options.epochs,
    batch: Math.min(batch, data.labels.length),
    seed,
    normalisation: options.normalisation,
    threads: options.threads,
    augmentation: { shift: shiftFor(data), alternatingFlip: flip },
    loss: distillation({ labels: options.labelled ? 0.5 : 0, temperature: 3 }),
    optimiser: sgd({ momentum: 0.9, weightDecay: 5e-4 }),
    rate: triangular({ peak: 0.2 }),
    ...(checkpoint === undefined ? {} : { checkpoint: { file: checkpoint, everySteps: 100 } }),
    ...(signal === undefined ? {} : { signal }),
    ...(onStep === undefined ? {} : { onStep }),
  });
  return foldBatchNormalization(trained);
}
