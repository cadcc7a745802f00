import { createHash } from "node:crypto";
import { createPreprocessor, partHash } from "../../data/index.ts";
import { CalibrationError } from "../../errors.ts";
import { writeWhole } from "../../files.ts";
import { cpuBudget } from "../../lanes/index.ts";
import { decodeModel } from "../../onnx/index.ts";
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
import { addOriginalInt8 } from "../original-int8.ts";
import { type Candidate, type Compression, counted, networkIn } from "./context.ts";
import { checkOriginal } from "./fit.ts";
import { type LoadedImages, loadImages, refuseOneClass } from "./images.ts";
import type { CompressOptions, CompressResult } from "./options.ts";
import { cutParts, type Parts, refuseShared } from "./parts.ts";
import { chooseRecipe, type RecipeName, recipes } from "./recipes.ts";
import { type Score, scoreCandidate } from "./score.ts";
import { WorkFolder } from "./work-folder.ts";

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
  await checkOriginal(compression, images.calibration, (note) => options.onNote?.(note));
  const { recipe, reason } = recipeFor(options, images.training, original);
  const { work } = compression;
  const candidates = await work.once("candidates", () => recipes[recipe].run(compression, recipe));
  const scores = await work.once(`scores for ${describePromise(options.promise)}`, () =>
    scoresOf(candidates, compression),
  );
  const best = candidates.find(({ name }) => name === scores[0]!.candidate)!;
  const calibrated = await makeTwin(best, parts, original, work, options);
  const minutes = Object.fromEntries(work.minutes);
  if (options.keepWork !== true) await work.remove();
  return {
    recipe,
    ...(reason === undefined ? {} : { reason }),
    parts: {
      training: images.training.data.labels.length,
      selection: images.selection.data.labels.length,
      calibration: images.calibration.data.labels.length,
    },
    scores,
    minutes,
    calibrated,
  };
}

type Images = Readonly<Record<keyof Parts, LoadedImages>>;

async function loadParts(parts: Parts, options: CompressOptions): Promise<Images> {
  const load = async (part: keyof Parts): Promise<LoadedImages> => {
    const source = parts[part];
    const onProgress = counted(options.onProgress, `reading ${part} images`, source.count!);
    const loaded = await loadImages(source, options.preprocessing, { signal: options.signal, onProgress });
    for (const failure of loaded.failures) options.onNote?.(failure.message);
    refuseOneClass(loaded, source.name);
    return loaded;
  };
  const images = {
    training: await load("training"),
    selection: await load("selection"),
    calibration: await load("calibration"),
  };
  refuseShared(images.training.fingerprints, images.calibration.fingerprints, parts.calibration.name);
  if (options.promise.kind === "drop" && images.calibration.known === 0) {
    throw new CalibrationError(
      `${parts.calibration.name}: no image has a class, and a promise on the drop needs those on which the networks differ; promise an agreement first, which lists these images`,
    );
  }
  return images;
}

async function begin(original: AdmittedNetwork, images: Images, options: CompressOptions): Promise<Compression> {
  const { normalisation } = createPreprocessor(options.preprocessing);
  const work = await WorkFolder.open(options.work ?? `${options.output}.work`, runHash(original, images, options));
  await writeWhole(work.file(original.entry.file), original.bytes);
  const { promise, target = {}, seed, flip, signal, onProgress = () => {} } = options;
  return {
    original: {
      model: decodeModel(original.bytes),
      entry: original.entry,
      network: networkIn(work, original.entry, "original", normalisation),
    },
    normalisation,
    training: images.training.data,
    selection: images.selection.data,
    labelled: images.training.labelled && images.selection.labelled,
    promise,
    target,
    deadline: performance.now() + 1000 * options.budget,
    seed,
    flip,
    threads: cpuBudget(),
    work,
    signal,
    onProgress,
  };
}

/** A hash of all that decides which networks a run makes. What is promised of them may change when it goes on. */
function runHash({ entry }: AdmittedNetwork, images: Images, options: CompressOptions): string {
  const { preprocessing, recipe, target, budget, seed, flip } = options;
  const parts = Object.values(images).map(({ fingerprints }) => partHash(fingerprints));
  const all = { original: entry.sha256, parts, preprocessing, recipe, target, budget, seed, flip };
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}

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

async function scoresOf(candidates: readonly Candidate[], compression: Compression): Promise<Score[]> {
  const scores: Score[] = [];
  for (const [i, candidate] of candidates.entries()) {
    compression.onProgress("comparing", i, candidates.length, candidate.name);
    scores.push(await scoreCandidate(candidate, compression));
  }
  return scores.sort((a, b) => a.cost - b.cost);
}

async function makeTwin(
  best: Candidate,
  parts: Parts,
  original: AdmittedNetwork,
  work: WorkFolder,
  options: CompressOptions,
): Promise<CalibrateResult> {
  const { promise, preprocessing, labels, seed, signal, output, replace = false } = options;
  const twin = work.file("twin");
  await pairTwin({
    original: options.original,
    compressed: best.network.file,
    preprocessing,
    labels,
    output: twin,
    replace: true,
    compression: { recipe: best.recipe, options: recorded(options), seed, sourceSha256: original.entry.sha256 },
  });
  await addOriginalInt8(twin, parts.selection, { signal });
  const { selection, calibration } = parts;
  const onProgress = counted(options.onProgress, "calibrating", selection.count! + calibration.count!);
  const calibrated = await calibrateTwin(twin, calibration, {
    promise,
    selection,
    seed,
    trySecond: true,
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
