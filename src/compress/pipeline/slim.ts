import { UsageError } from "../../errors.ts";
import { type SlimTarget, slim as slimModel } from "../slim/index.ts";
import { type Candidate, type Compression, storeCandidate, type Target } from "./context.ts";
import type { Recipe } from "./recipe.ts";

/** Training images from which layers can be refitted and mimicking can begin. */
const leastImages = 200;
/** Shares of the multiply-adds to try where no target is given. */
const usualShares = [0.7, 0.5];
const bytesInFloat32 = 4;

/** The original with fewer channels and blocks. */
export const slim: Recipe = {
  source: "He, Zhang and Sun, Channel Pruning, 2017; Wang and Wu, Practical Network Acceleration with Tiny Sets, 2023",
  judge: ({ images }) =>
    images < leastImages
      ? { suits: false, reason: `${images} images are fewer than the ${leastImages} that refitting layers wants` }
      : { suits: true, reason: `${images} images are enough to thin the original, which asks for no labels` },
  async run(compression, name) {
    const candidates: Candidate[] = [];
    for (const [label, target] of targetsFor(compression.target)) {
      candidates.push(await compression.work.once(label, () => slimmed(label, target, name, compression)));
    }
    return candidates;
  },
};

async function slimmed(label: string, target: SlimTarget, recipe: string, compression: Compression) {
  const { original, training, normalisation, seed, threads, flip, signal, onProgress } = compression;
  const { model } = await slimModel(
    original.model,
    { data: training, normalisation },
    { target, seed, threads, flip, onProgress, ...(signal === undefined ? {} : { signal }) },
  );
  return storeCandidate(compression, label, recipe, model);
}

/** What to aim at, by the names of the networks. */
function targetsFor({ speedUp, macs, size }: Target): [string, SlimTarget][] {
  const shares = [macs, speedUp && 1 / speedUp].filter((share) => share !== undefined);
  if (size !== undefined && shares.length > 0) {
    throw new UsageError("slim takes one target: --macs or --speed-up, or else --size");
  }
  if (size !== undefined) return [["slim", { size: bytesInFloat32 * size }]];
  const wanted = shares.length === 0 ? usualShares : [Math.min(...shares)];
  return wanted.map((share) => [`slim-${Math.round(100 * share)}`, { macs: share }]);
}
