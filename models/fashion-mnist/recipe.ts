import { presets } from "twindnn/data";
import { crossEntropy, residualNetwork, sgd, triangular } from "twindnn/train";
import type { PairRecipe } from "../recipe.ts";

const usual = { batch: 128, loss: crossEntropy, optimiser: sgd({ momentum: 0.9, weightDecay: 5e-4 }) };

/** A residual network of 36 million multiply-adds an image. The second phase shows the images nearly as they are. */
export const recipe: PairRecipe = {
  name: "fashion-mnist",
  seed: 1,
  preprocessing: presets["fashion-mnist"],
  original: (seed) =>
    residualNetwork(
      {
        name: "fashion-mnist-original",
        input: [1, 28, 28],
        classes: 10,
        stages: [
          { channels: 16, stride: 1, blocks: 0 },
          { channels: 48, stride: 2, blocks: 2 },
          { channels: 96, stride: 2, blocks: 2 },
        ],
      },
      seed,
    ),
  phases: [
    { ...usual, epochs: 8, augmentation: { shift: 2, alternatingFlip: true }, rate: triangular({ peak: 0.2 }) },
    { ...usual, epochs: 6, augmentation: { shift: 1 }, rate: triangular({ peak: 0.1 }) },
  ],
  calibration: 6000,
  maxDrop: 0.003,
  macs: 0.125,
  budget: 12 * 60,
  weightBits: 7,
  canaries: "images",
  flip: false,
  packed: 2000,
};
