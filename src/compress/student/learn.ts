import { foldBatchNormalization, type Model } from "../../onnx/index.ts";
import {
  type Dataset,
  muon,
  residualNetwork,
  startAsIdentity,
  type TrainingOptions,
  train,
  triangular,
  whitenFirstLayer,
} from "../../train/index.ts";
import { type LearningSetting, learningFromOriginal } from "../pipeline/training.ts";
import { type StudentWidth, studentNetwork } from "./family.ts";

/** Of the learning rate. */
export const usualPeak = 0.03;

export interface LearnOptions extends Pick<TrainingOptions, "epochs" | "onStep" | "onEpoch"> {
  readonly width: StudentWidth;
  /** Of the learning rate; default the usual one. */
  readonly peak?: number;
  readonly checkpoint?: string;
}

/**
 * Trains a student from scratch on the teacher's logits and, where they are true, the labels: half cross-entropy, half
 * divergence from the teacher at temperature 3, by Muon on a triangular schedule. Its first layer whitens the pictures and
 * stays as it is, its other convolutions start as the identity: short trainings gain most by it.
 *
 * @param data - with the teacher's logits; of the mirrored images too with `flip`
 * @returns the averaged network, BatchNormalization folded
 * @throws TrainingError when the loss is no longer a number
 */
export async function learnStudent(
  data: Dataset,
  { width, peak = usualPeak, checkpoint, ...options }: LearnOptions,
  setting: LearningSetting,
): Promise<Model> {
  const untrained = residualNetwork(studentNetwork(width, data.shape, data.teacher!.classes), setting.seed);
  const { network, weights } = whitenFirstLayer(startAsIdentity(untrained), data, setting.normalisation);
  const trained = await train(network, data, {
    ...options,
    freeze: [weights],
    ...learningFromOriginal(data, setting, checkpoint),
    optimiser: muon({ momentum: 0.9, renormalise: true, others: { momentum: 0.9, weightDecay: 5e-4, rate: 1 } }),
    rate: triangular({ peak }),
  });
  return foldBatchNormalization(trained);
}
