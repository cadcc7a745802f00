import { CalibrationError, UsageError } from "../../errors.ts";
import { readModel } from "../../onnx/index.ts";
import {
  type AdmittedNetwork,
  admitNetwork,
  type CalibrateResult,
  calibrateTwin,
  describePromise,
  moveTwin,
  pairTwin,
  refuseExisting,
} from "../../twin/index.ts";
import { begin } from "./begin.ts";
import { int8Beside, makeCandidates } from "./candidates.ts";
import { type Candidate, type Compression, counted } from "./context.ts";
import { readCurves } from "./curve.ts";
import { checkOriginal } from "./fit.ts";
import { type LoadedImages, type LoadedParts, loadParts } from "./images.ts";
import { compareLayers } from "./layers.ts";
import type { CompressOptions, CompressResult } from "./options.ts";
import { cutParts, type Parts } from "./parts.ts";
import { chooseRecipe, type RecipeName, recipes } from "./recipes.ts";
import { scoreCandidate } from "./score.ts";
import { bestOf, missedTarget, type Scored } from "./target.ts";
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
  refuseExisting(options.output, options.replace ?? false);
  const original = await admitNetwork(options.original, "original.onnx");
  for (const note of original.notes) options.onNote?.(note);
  const parts = await cutParts(options);
  const images = await loadParts(parts, options);
  const compression = await begin(original, images, options);
  await checkOriginal(compression, images.calibration);
  const { recipe, reason } = recipeFor(options, images.training, original);
  const { work } = compression;
  const candidates = await work
    .once("candidates", () => makeCandidates(recipe, reason !== undefined, compression))
    .catch((error: unknown) => clearRefused(error, work, options));
  const scored = await work.once(`scores for ${describePromise(options.promise)}`, () =>
    scoreAll(candidates, compression),
  );
  const best = bestOf(scored, compression);
  const missed = missedTarget(best, compression);
  if (missed !== undefined) compression.onNote(`the target is missed: ${missed}. This is the best so far`);
  const calibrated = await work.timed("calibration", () => makeTwin(best.candidate, parts, compression, options));
  const result: CompressResult = {
    recipe,
    ...(reason === undefined ? {} : { reason }),
    ...(missed === undefined ? {} : { missed }),
    parts: sizesOf(images),
    chosen: best.candidate.name,
    scores: scored.map(({ score }) => score).toSorted((a, b) => a.cost - b.cost),
    layers: await compareLayers(compression.original.model, readModel(best.candidate.network.file)),
    curves: readCurves(work),
    minutes: { ...work.minutes },
    calibrated,
  };
  if (options.keepWork !== true) await work.remove();
  return result;
}

/** A run that was refused leaves nothing behind that would stand in the way of the next, with other options. */
async function clearRefused(error: unknown, work: WorkFolder, { keepWork }: CompressOptions): Promise<never> {
  if (error instanceof UsageError && keepWork !== true) await work.remove();
  throw error;
}

const sizesOf = ({ training, selection, calibration }: LoadedParts): CompressResult["parts"] => ({
  training: training.data.labels.length,
  selection: selection.data.labels.length,
  calibration: calibration.data.labels.length,
});

function recipeFor(
  { recipe, onNote }: CompressOptions,
  { data, labelled }: LoadedImages,
  { entry }: AdmittedNetwork,
): { recipe: RecipeName; reason?: string } {
  const means = { images: data.labels.length, labelled, classes: entry.output.classes };
  if (recipe === "auto") return chooseRecipe(means);
  const { suits, reason } = recipes[recipe].judge(means);
  if (!suits) onNote?.(`${recipe}: ${reason}`);
  return { recipe };
}

async function scoreAll(candidates: readonly Candidate[], compression: Compression): Promise<Scored[]> {
  const scored: Scored[] = [];
  for (const [i, candidate] of candidates.entries()) {
    compression.onProgress("comparing", i, candidates.length, candidate.name);
    scored.push({ candidate, score: await scoreCandidate(candidate, compression) });
  }
  return scored;
}

async function makeTwin(
  { name, recipe, network }: Candidate,
  { selection, calibration }: Parts,
  compression: Compression,
  options: CompressOptions,
): Promise<CalibrateResult> {
  const { work, original } = compression;
  const { promise, preprocessing, labels, seed, signal, output, replace = false } = options;
  const [second] = await int8Beside(compression);
  const tried = second?.name === name ? undefined : second;
  const twin = work.file("twin");
  await pairTwin({
    original: options.original,
    compressed: network.file,
    originalInt8: tried?.network.file,
    preprocessing,
    labels,
    output: twin,
    replace: true,
    compression: { recipe, options: recorded(options), seed, sourceSha256: original.entry.sha256 },
  });
  const onProgress = counted(options.onProgress, "calibrating", selection.count! + calibration.count!);
  const calibrated = await calibrateTwin(twin, calibration, {
    promise,
    selection,
    seed,
    trySecond: tried !== undefined,
    signal,
    onProgress,
  }).catch((error: unknown) => {
    throw error instanceof CalibrationError ? unproven(error, twin) : error;
  });
  await moveTwin(twin, output, { replace });
  return calibrated;
}

/** What a promise that cannot be kept leaves: the best twin, which promises nothing yet. */
const unproven = (cause: CalibrationError, twin: string): CalibrationError =>
  new CalibrationError(`${cause.message}. The best twin so far is in ${twin}, without a promise`, { cause });

function recorded({ budget, flip, target = {} }: CompressOptions): Record<string, number | boolean> {
  const given = Object.entries(target).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return { budgetSeconds: budget, flip, ...Object.fromEntries(given) };
}
