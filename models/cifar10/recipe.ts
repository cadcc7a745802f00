import { presets } from "twindnn/data";
import { crossEntropy, muon, startAsIdentity, triangular } from "twindnn/train";
import type { PairRecipe } from "../recipe.ts";
import { vgg16 } from "./network.ts";

/** A VGG-16 at half its width: 79 million multiply-adds an image. */
export const recipe: PairRecipe = {
  name: "cifar10",
  seed: 1,
  preprocessing: presets.cifar10!,
  original: (seed) => startAsIdentity(vgg16({ width: 0.5, classes: 10, seed })),
  phases: [
    {
      epochs: 6,
      batch: 256,
      augmentation: { shift: 2, alternatingFlip: true },
      loss: crossEntropy,
      optimiser: muon({ momentum: 0.9, renormalise: true, others: { momentum: 0.9, weightDecay: 5e-4, rate: 1 } }),
      rate: triangular({ peak: 0.04 }),
    },
  ],
  calibration: 5000,
  maxDrop: 0.005,
  budget: 10 * 60,
  weightBits: 7,
  canaries: "generated",
  flip: true,
};
