import { presets } from "twindnn/data";
import { crossEntropy, muon, sgd, startAsIdentity, triangular } from "twindnn/train";
import type { PairRecipe } from "../recipe.ts";
import { vgg16 } from "./network.ts";

const usual = { augmentation: { shift: 2, alternatingFlip: true }, loss: crossEntropy };

/** A VGG-16 at a quarter of its width: 20 million multiply-adds an image. */
export const recipe: PairRecipe = {
  name: "cifar10",
  seed: 1,
  preprocessing: presets.cifar10,
  original: (seed) => vgg16({ width: 0.25, classes: 10, seed }),
  phases: [
    {
      ...usual,
      epochs: 16,
      batch: 128,
      optimiser: sgd({ momentum: 0.9, weightDecay: 5e-4 }),
      rate: triangular({ peak: 0.1 }),
    },
  ],
  calibration: 5000,
  maxDrop: 0.005,
  budget: 10 * 60,
  weightBits: 7,
  canaries: "generated",
  flip: true,
};

/** The same at half its width: 79 million multiply-adds, and 19 MB, which are not kept here. */
export const wide: PairRecipe = {
  ...recipe,
  name: "cifar10-wide",
  original: (seed) => startAsIdentity(vgg16({ width: 0.5, classes: 10, seed })),
  phases: [
    {
      ...usual,
      epochs: 6,
      batch: 256,
      optimiser: muon({ momentum: 0.9, renormalise: true, others: { momentum: 0.9, weightDecay: 5e-4, rate: 1 } }),
      rate: triangular({ peak: 0.04 }),
    },
  ],
};
