import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Indices into the 60,000 training images of Fashion-MNIST, in three parts that share none. */
export interface FashionMnistSplit {
  /** 52,000 images that train the networks. */
  readonly train: Uint32Array;
  /** 2,000 images that choose between networks and place the grid of thresholds. */
  readonly selection: Uint32Array;
  /** 6,000 images that calibrate. */
  readonly calibration: Uint32Array;
}

/** The seed of the embedded pair: of the split, of the first weights and of the training. */
export const pairSeed = 1;

/** Sizes of the parts, as `splitImages` takes them. */
export const partSizes = { train: 52_000, selection: 2_000, calibration: "rest" } as const;

/**
 * The parts of the training set: a Fisher-Yates shuffle of 0..59,999 by `seed`, cut at 52,000 and 54,000, each part sorted.
 * `splitImages(source, { train: 52000, selection: 2000, calibration: "rest" }, seed)` gives the same images.
 */
export function fashionMnistSplit(seed: number): FashionMnistSplit {
  const random = xoroshiro128plus(seed);
  const order = Uint32Array.from({ length: 60_000 }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return {
    train: order.slice(0, 52_000).sort(),
    selection: order.slice(52_000, 54_000).sort(),
    calibration: order.slice(54_000).sort(),
  };
}
