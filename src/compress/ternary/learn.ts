import type { Normalisation } from "../../data/index.ts";
import type { Model } from "../../onnx/index.ts";
import { cosine, type Dataset, distillation, type Progress, sgd, subset, train } from "../../train/index.ts";
import { shiftFor } from "../student/schedule.ts";

export interface LearnOptions {
  readonly epochs: number;
  /** The largest learning rate. */
  readonly rate: number;
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
 * Trains a network with quantisers on the teacher's logits and, where there are any, the labels, by SGD with Nesterov's
 * momentum. Ternary weights take the place of the float ones over the first 30 % of the steps.
 *
 * @param data - with the teacher's logits; of the mirrored images too with `flip`
 * @returns the averaged network, with its quantisers
 * @throws TrainingError when the loss is no longer a number
 */
export function learnIntegers(network: Model, data: Dataset, options: LearnOptions): Promise<Model> {
  const { epochs, rate, seed, normalisation, threads, labelled, flip, checkpoint, signal, onStep } = options;
  return train(network, data, {
    epochs,
    batch: Math.min(batch, data.labels.length),
    seed,
    normalisation,
    threads,
    augmentation: { shift: shiftFor(data), alternatingFlip: flip },
    loss: distillation({ labels: labelled ? 0.5 : 0, temperature: 3 }),
    optimiser: sgd({ momentum: 0.9, weightDecay: 1e-4 }),
    rate: cosine({ peak: rate }),
    ...(checkpoint === undefined ? {} : { checkpoint: { file: checkpoint, everySteps: 100 } }),
    ...(signal === undefined ? {} : { signal }),
    ...(onStep === undefined ? {} : { onStep }),
  });
}

/** Steps to time; the first two warm up. */
const timedSteps = 6;
const warmUpSteps = 2;

/** How long one pass over the images takes on this machine, from a few steps. */
export async function timeEpoch(network: Model, data: Dataset, options: Omit<LearnOptions, "epochs">): Promise<number> {
  const few = subset(data, [...data.labels.keys()].slice(0, batch));
  const times: number[] = [];
  const onStep = (): void => void times.push(performance.now());
  await learnIntegers(network, few, { ...options, epochs: timedSteps, onStep });
  const secondsPerStep = (times.at(-1)! - times[warmUpSteps - 1]!) / 1000 / (timedSteps - warmUpSteps);
  return (secondsPerStep * data.labels.length) / few.labels.length;
}
