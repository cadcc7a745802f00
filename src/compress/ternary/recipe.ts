import { UsageError } from "../../errors.ts";
import { type Candidate, type Compression, storeCandidate } from "../pipeline/context.ts";
import type { Recipe, Verdict } from "../pipeline/recipe.ts";
import { taught, teacherLogits } from "../pipeline/teacher.ts";
import { integerModel } from "./integers.ts";
import { integerUnits, prepareToLearn } from "./prepare.ts";
import { linearNames, withQuantisers } from "./quantise.ts";
import { epochsWithin, trainIntegers } from "./training.ts";

/** Fewer images teach too little to make up for what weights of two bits lose. */
const leastImages = 2000;
const training = { rate: 0.05, mostEpochs: 60 };

/** The original with weights in {-1, 0, 1}; its first and last layer have 7 bits with `ends` "int8". */
export const ternary = ({ ends }: { readonly ends: "int8" | "ternary" }): Recipe => ({
  source: "Li and Liu, Ternary Weight Networks, 2016; Esser et al., Learned Step Size Quantization, 2020",
  judge: ({ images }) => judge(images),
  run: async (compression, name) => {
    const { suits, reason } = judge(compression.training.labels.length);
    if (!suits) throw new UsageError(`${name}: ${reason}; give more images, or take another recipe`);
    return [await compression.work.once(`training ${name}`, () => makeTernary(compression, name, ends))];
  },
});

function judge(images: number): Verdict {
  return images < leastImages
    ? {
        suits: false,
        reason: `${images} images to train on are fewer than the ${leastImages} that ternary weights want`,
      }
    : { suits: true, reason: `${images} images to train on are enough for ternary weights` };
}

/**
 * Trains the original with ternary weights, on labels and its own answers, or on these alone.
 *
 * @throws UnsupportedOperatorError for a node that has no integers, TrainingError when training diverges
 */
async function makeTernary(compression: Compression, name: string, ends: "int8" | "ternary"): Promise<Candidate> {
  const { original, labelled, normalisation, threads } = compression;
  const prepared = await prepareToLearn(original.model);
  const layers = linearNames(integerUnits(prepared));
  const data = taught(compression.training, await teacherLogits(compression), labelled);
  const inner = ends === "int8" ? layers.slice(1, -1) : layers;
  const network = await withQuantisers(prepared, data, { normalisation, threads, ternary: inner });
  const plan = { ...training, name };
  const epochs = Math.max(1, await epochsWithin(plan, network, data, compression));
  const model = integerModel(await trainIntegers({ ...plan, epochs }, network, data, compression));
  return { ...(await storeCandidate(compression, name, name, model)), inIntegers: true };
}
