import type { Model } from "../../onnx/index.ts";
import { cosine, type Dataset, sgd, type TrainingOptions, train } from "../../train/index.ts";
import { type LearningSetting, learningFromOriginal } from "../pipeline/training.ts";

export interface LearnOptions extends Pick<TrainingOptions, "epochs" | "onStep" | "onEpoch"> {
  /** The largest learning rate. */
  readonly rate: number;
  readonly checkpoint?: string;
}

/**
 * Trains a network with quantisers on the teacher's logits and, where there are any, the labels, by SGD with Nesterov's
 * momentum. Ternary weights take the place of the float ones over the first 30 % of the steps.
 *
 * @param data - with the teacher's logits; of the mirrored images too with `flip`
 * @returns the averaged network, with its quantisers
 * @throws TrainingError when the loss is no longer a number
 */
export function learnIntegers(
  network: Model,
  data: Dataset,
  { rate, checkpoint, ...options }: LearnOptions,
  setting: LearningSetting,
): Promise<Model> {
  return train(network, data, {
    ...options,
    ...learningFromOriginal(data, setting, checkpoint),
    optimiser: sgd({ momentum: 0.9, weightDecay: 1e-4 }),
    rate: cosine({ peak: rate }),
  });
}
