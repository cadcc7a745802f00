import { CalibrationError, UsageError } from "../../errors.ts";
import { readModel } from "../../onnx/index.ts";
import { type AdmittedNetwork, admitNetwork, checkUse, describePromise, refuseExisting } from "../../twin/index.ts";
import { begin, openWork } from "./begin.ts";
import { makeCandidates } from "./candidates.ts";
import { checkCompressOptions } from "./check.ts";
import type { Compression } from "./context.ts";
import { readCurves } from "./curve.ts";
import { checkOriginal, refuseUnknownClasses } from "./fit.ts";
import { type LoadedImages, type LoadedParts, loadParts } from "./images.ts";
import { compareLayers } from "./layers.ts";
import type { CompressOptions, CompressResult } from "./options.ts";
import { cutParts } from "./parts.ts";
import { chooseRecipe, recipes } from "./recipes.ts";
import { scoreCandidate } from "./score.ts";
import { bestOf, missedTarget, type Scored } from "./target.ts";
import { makeTwin } from "./twin.ts";
import type { WorkFolder } from "./work-folder.ts";

/**
 * Makes a twin of a classifier: compresses it by a recipe, picks the best network by the twin that it makes, and proves the
 * promise on images that neither trained nor selected. An interrupted run goes on when it is called again with the same
 * options, and gives the same network as one that was never interrupted.
 *
 * @throws UsageError, InputError or CalibrationError when options, model and images do not fit together; CalibrationError
 * when the promise cannot be kept: the twin, without a promise, is then in the work folder
 */
export async function compress(options: CompressOptions): Promise<CompressResult> {
  checkCompressOptions(options);
  refuseExisting(options.output, options.replace ?? false);
  const original = await admitNetwork(options.original, "original.onnx");
  checkUse(options.original, original.entry, options);
  for (const note of original.notes) options.onNote?.(note);
  const images = await loadParts(await cutParts(options), options);
  refuseUnknownClasses(images, original.entry);
  await using work = await openWork(original, images, options);
  return work.undamaged(() => compressIn(work, original, images, options));
}

async function compressIn(
  work: WorkFolder,
  original: AdmittedNetwork,
  images: LoadedParts,
  options: CompressOptions,
): Promise<CompressResult> {
  const compression = await begin(work, original, images, options);
  await unlessRefused(compression, options, () => checkOriginal(compression, images.calibration));
  const choice = recipeFor(options, images.training, original);
  const scored = await scoredCandidates(choice, compression, options);
  const best = bestOf(scored, compression);
  const missed = missedTarget(best, compression);
  if (missed !== undefined) compression.onNote(`the target is missed: ${missed}. This is the best so far`);
  const calibrated = await work.timed("calibration", () => makeTwin(best.candidate, images, compression, options));
  if (calibrated.cost > noFaster) compression.onNote(slowTwin(calibrated.cost));
  const late = performance.now() - compression.deadline;
  if (late > tolerablyLate * 1000 * options.budget) compression.onNote(overrun(late, options.budget));
  const result: CompressResult = {
    ...choice,
    source: recipes[choice.recipe].source,
    ...(missed === undefined ? {} : { missed }),
    parts: sizesOf(images),
    chosen: best.candidate.name,
    scores: scored.map(({ score }) => score).toSorted((a, b) => a.cost - b.cost),
    layers: await compareLayers(compression.original.model, readModel(work.file(best.candidate.network.file))),
    curves: readCurves(work),
    minutes: { ...work.minutes },
    calibrated,
  };
  if (options.keepWork !== true) await work.remove();
  return result;
}

/** Share of the budget by which a run may be late without a word. */
const tolerablyLate = 0.1;

const overrun = (late: number, budget: number): string =>
  `the run took ${(late / 60_000).toFixed(1)} minutes more than its budget of ${(budget / 60).toFixed(1)}: a model of this size, these images and this recipe ask for so much at the least`;

/** A twin that takes more of the original's time is not worth having. */
const noFaster = 0.95;

const slowTwin = (cost: number): string =>
  `at this promise the twin is no faster than the original here (an estimated ${(1 / cost).toFixed(2)} times its speed): give more time or images, or promise less`;

/** A recipe, and why it was chosen where the user named none. */
type Choice = Pick<CompressResult, "recipe" | "reason">;

function recipeFor(
  { recipe, onNote }: CompressOptions,
  { data, labelled }: LoadedImages,
  { entry }: AdmittedNetwork,
): Choice {
  const means = { images: data.labels.length, labelled, classes: entry.output.classes };
  if (recipe === "auto") return chooseRecipe(means);
  const { suits, reason } = recipes[recipe].judge(means);
  if (!suits) onNote?.(`${recipe}: ${reason}`);
  return { recipe };
}

/** What a recipe makes, and what that is worth. */
async function scoredCandidates(
  { recipe, reason }: Choice,
  compression: Compression,
  options: CompressOptions,
): Promise<Scored[]> {
  const { work, onProgress } = compression;
  const make = () => makeCandidates(recipe, reason !== undefined, compression);
  const candidates = await unlessRefused(compression, options, () => work.once("candidates", make));
  return work.once(`scores for ${describePromise(options.promise)}`, async () => {
    const scored: Scored[] = [];
    for (const [i, candidate] of candidates.entries()) {
      onProgress("comparing", i, candidates.length, candidate.name);
      scored.push({ candidate, score: await scoreCandidate(candidate, compression) });
    }
    return scored;
  });
}

/** Does a step. A run that it refuses leaves nothing behind that would stand in the way of the next, with other options. */
async function unlessRefused<T>(
  { work }: Compression,
  { keepWork }: CompressOptions,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const refused = error instanceof UsageError || error instanceof CalibrationError;
    if (refused && keepWork !== true) await work.remove();
    throw error;
  }
}

const sizesOf = ({ training, selection, calibration }: LoadedParts): CompressResult["parts"] => ({
  training: training.data.labels.length,
  selection: selection.data.labels.length,
  calibration: calibration.data.labels.length,
});
