import { crossEntropy, distillation, type ResidualNetwork, sgd, type TrainingOptions, triangular } from "twindnn/train";

/** A network of the pair and how it is trained. */
export interface Recipe {
  readonly network: ResidualNetwork;
  /** One after the other, each from the weights of the one before. */
  readonly phases: readonly Phase[];
}

export type Phase = Pick<TrainingOptions, "epochs" | "batch" | "augmentation" | "loss" | "optimiser" | "rate">;

const images = { input: [1, 28, 28], classes: 10 } as const;
const optimiser = sgd({ momentum: 0.9, weightDecay: 5e-4 });

/** 36 million multiply-accumulates an image. The second phase shows the images nearly as they are. */
export const original: Recipe = {
  network: {
    ...images,
    name: "fashion-mnist-original",
    stages: [
      { channels: 16, stride: 1, blocks: 0 },
      { channels: 48, stride: 2, blocks: 2 },
      { channels: 96, stride: 2, blocks: 2 },
    ],
  },
  phases: [
    {
      epochs: 8,
      batch: 128,
      augmentation: { shift: 2, alternatingFlip: true },
      loss: crossEntropy,
      optimiser,
      rate: triangular({ peak: 0.2 }),
    },
    {
      epochs: 6,
      batch: 128,
      augmentation: { shift: 1 },
      loss: crossEntropy,
      optimiser,
      rate: triangular({ peak: 0.1 }),
    },
  ],
};

/** 3.5 million multiply-accumulates an image; learns from the labels and from the original's logits. */
export const student: Recipe = {
  network: {
    ...images,
    name: "fashion-mnist-student",
    stages: [
      { channels: 16, stride: 2, blocks: 1 },
      { channels: 32, stride: 2, blocks: 1 },
      { channels: 64, stride: 2, blocks: 1 },
    ],
  },
  phases: [
    {
      epochs: 24,
      batch: 128,
      augmentation: { shift: 1 },
      loss: distillation({ labels: 0.5, temperature: 3 }),
      optimiser: sgd({ momentum: 0.9, weightDecay: 2e-4 }),
      rate: triangular({ peak: 0.2 }),
    },
  ],
};
