import { UsageError } from "../../errors.ts";
import { type Candidate, type Compression, storeCandidate } from "../pipeline/context.ts";
import type { Recipe, Verdict } from "../pipeline/recipe.ts";
import { taught, teacherLogits } from "../pipeline/teacher.ts";
import { integerForm, writeIntegerForm } from "./integer-form/index.ts";
import { integerModel } from "./integers.ts";
import { type LearnOptions, learnIntegers } from "./learn.ts";
import { integerUnits, prepareToLearn } from "./prepare.ts";
import { linearNames, withQuantisers } from "./quantise.ts";
import { epochsWithin } from "./schedule.ts";

/** Fewer images teach too little to make up for what weights of two bits lose. */
const leastImages = 2000;
const peakRate = 0.05;

/** The original with weights in {-1, 0, 1}; its first and last layer keep 7 bits with `ends` "int8". */
export const ternary = ({ ends }: { readonly ends: "int8" | "ternary" }): Recipe => ({
  source: "Li and Liu, Ternary Weight Networks, 2016; Esser et al., Learned Step Size Quantization, 2020",
  judge: ({ images }) => judge(images),
  run: async (compression, name) => [await makeTernary(compression, name, ends)],
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
 * Trains the original with ternary weights, on labels and its own answers, or on these alone. The integer form lies beside the
 * model in the work folder.
 *
 * @throws UsageError for too few images, UnsupportedOperatorError for a node that has no integers, TrainingError when
 * training diverges
 */
async function makeTernary(compression: Compression, recipe: string, ends: "int8" | "ternary"): Promise<Candidate> {
  const { training, original, labelled, work, onProgress } = compression;
  const { suits, reason } = judge(training.labels.length);
  if (!suits) throw new UsageError(`${recipe}: ${reason}; give more images, or take another recipe`);
  const prepared = await prepareToLearn(original.model);
  const layers = linearNames(integerUnits(prepared));
  const data = taught(training, await teacherLogits(compression), labelled);
  const inner = ends === "int8" ? layers.slice(1, -1) : layers;
  const network = await withQuantisers(prepared, data, { ...learning(compression), ternary: inner });
  const options = { ...learning(compression), rate: peakRate };
  const epochs = await work.once(`${recipe} epochs`, () => epochsWithin(compression, network, data, options));
  const trained = await learnIntegers(network, data, {
    ...options,
    epochs,
    checkpoint: work.file(`${recipe}.checkpoint`),
    onStep: ({ step, steps, loss, secondsLeft }) =>
      onProgress(`training ${recipe}`, step, steps, `loss ${loss.toFixed(3)}, ${Math.ceil(secondsLeft / 60)} min left`),
  });
  const model = integerModel(trained);
  await writeIntegerForm(work.file(recipe), integerForm(model));
  return storeCandidate(compression, recipe, recipe, model);
}

const learning = ({ seed, normalisation, threads, labelled, flip, signal }: Compression) =>
  ({ seed, normalisation, threads, labelled, flip, signal }) satisfies Omit<LearnOptions, "epochs" | "rate">;
