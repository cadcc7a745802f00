import { type ImageSource, overlap, partHash, selectImages, splitImages } from "../data/index.ts";
import { CalibrationError, type InputError } from "../errors.ts";
import { cpuClass, type NetworkName } from "../lanes/index.ts";
import { answerAll } from "./answers.ts";
import {
  type Calibration,
  type CurvePoint,
  calibrate,
  evaluateTwin,
  expectedSpeedUp,
  type SecondStage,
  secondThreshold,
  type TwinPromise,
  thresholdGrid,
} from "./calibration/index.ts";
import { encodeCanaries } from "./canaries.ts";
import { type Collected, logitsOf } from "./collect.ts";
import { confidences } from "./confidence/index.ts";
import { stageCosts, twinOutputs } from "./evaluate.ts";
import { networkOf, readTwin, type TwinFolder, writeManifest, writeTwinFile } from "./folder.ts";
import { usualBatch } from "./lanes.ts";
import type { Manifest, ManifestRung } from "./manifest.ts";
import { pickRows } from "./rows.ts";
import type { ConfidenceSpec } from "./types.ts";

export interface CalibrateOptions {
  readonly promise: TwinPromise;
  /** Of what confidence is computed; default the manifest's. */
  readonly confidence?: ConfidenceSpec | undefined;
  /** Decides which images place the grid, and the order of the test. Default 0. */
  readonly seed?: number | undefined;
  /** Images that place the grid, none of which may be in `images`; a part of `images` by default. */
  readonly selection?: ImageSource | undefined;
  /** Whether escalations may go to the int8 original first, where that is cheaper. Default false. */
  readonly trySecond?: boolean | undefined;
  /** Promise for each class on its own. Default false. */
  readonly worstClass?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((images: number) => void) | undefined;
}

/** What a calibration found. */
export interface CalibrateResult {
  readonly manifest: Manifest;
  readonly calibration: Calibration;
  /** The cost of a twin relative to the original, for each second stage that was tried. */
  readonly costs: ReadonlyMap<"original" | "original-int8", number>;
  /** The twin at every threshold that the calibration images tell apart, with the speed-up expected there. */
  readonly curve: readonly CurvePoint[];
  /** Labels were known, and used where the promise needs them. */
  readonly labelled: boolean;
  readonly failures: readonly { readonly name: string; readonly error: InputError }[];
}

/** Share of the threshold by which it is raised, so that canaries may differ by as much on another machine. */
const allowanceShare = 0.02;

/** Images that place the grid when none are given: a sixth, as many as help and no more. */
const selectionSize = (images: number): number => Math.min(1000, Math.floor(images / 6));

/**
 * Proves a threshold on images and writes it into the twin, with the ladder, the guarantee and canaries.
 * Throws CalibrationError when the images do not allow the promise, and says which they allow.
 */
export async function calibrateTwin(
  path: string,
  images: ImageSource,
  options: CalibrateOptions,
): Promise<CalibrateResult> {
  const folder = await readTwin(path);
  const parts = await answerParts(folder, images, options);
  const attempts = secondStages(options).map((name) => attempt(name, folder, parts, options));
  const best = cheapest(attempts);
  const manifest = await record(folder, best, parts, images.name, options);
  return {
    manifest,
    calibration: best.calibration,
    costs: new Map(attempts.flatMap((each) => ("cost" in each ? [[each.second, each.cost] as const] : []))),
    curve: curveOf(manifest, parts.calibration),
    labelled: hasLabels(parts.calibration),
    failures: [...parts.selection.failures, ...parts.calibration.failures],
  };
}

const networksFor = ({ trySecond = false }: CalibrateOptions): NetworkName[] =>
  trySecond ? ["compressed", "original", "original-int8"] : ["compressed", "original"];

function curveOf(manifest: Manifest, calibration: Collected): readonly CurvePoint[] {
  const { threshold = Number.POSITIVE_INFINITY, confidence } = manifest;
  const costs = stageCosts(manifest, calibration);
  return evaluateTwin({ ...twinOutputs(manifest, calibration), threshold, confidence, costs }).curve;
}

interface Parts {
  readonly selection: Collected;
  readonly calibration: Collected;
}

async function answerParts(folder: TwinFolder, images: ImageSource, options: CalibrateOptions): Promise<Parts> {
  const sources =
    options.selection === undefined
      ? await partsOf(images, options.seed ?? 0)
      : { selection: options.selection, calibration: images };
  const names = networksFor(options);
  const selection = await answerAll(folder, names, sources.selection, options);
  const calibration = await answerAll(folder, names, sources.calibration, options);
  return { selection: withoutShared(selection, calibration, sources.selection.name), calibration };
}

/** Cuts images into those that place the grid and those that calibrate. Throws CalibrationError when they are too few. */
export async function partsOf(
  images: ImageSource,
  seed: number,
): Promise<Record<"selection" | "calibration", ImageSource>> {
  const { count } = await selectImages(images, {});
  const selection = selectionSize(count!);
  if (selection >= 2) return splitImages(images, { selection, calibration: "rest" }, seed);
  throw new CalibrationError(`${images.name} holds ${count} images, too few to calibrate on; a promise needs hundreds`);
}

/** Images that lie in both parts calibrate; what is left of the selection places the grid. */
function withoutShared(selection: Collected, calibration: Collected, name: string): Collected {
  const shared = new Set(overlap(selection.fingerprints, calibration.fingerprints));
  const rows = [...selection.fingerprints.keys()].filter((i) => !shared.has(selection.fingerprints[i]!));
  if (rows.length > selection.names.length / 2) return pickRows(selection, Uint32Array.from(rows));
  throw new CalibrationError(
    `${name}: ${shared.size} of its ${selection.names.length} images also calibrate; give other images to place the grid`,
  );
}

type Second = "original" | "original-int8";
const secondStages = ({ trySecond = false }: CalibrateOptions): Second[] =>
  trySecond ? ["original", "original-int8"] : ["original"];

interface Attempt {
  readonly second: Second;
  readonly calibration: Calibration;
  readonly secondThreshold: number | undefined;
  /** Time of the twin relative to the original. */
  readonly cost: number;
}

/** Calibrates with one second stage; a promise that it does not allow is an answer, too. */
function attempt(
  second: Second,
  folder: TwinFolder,
  parts: Parts,
  options: CalibrateOptions,
): Attempt | { readonly error: CalibrationError } {
  try {
    return calibrateWith(second, folder, parts, options);
  } catch (error) {
    if (error instanceof CalibrationError) return { error };
    throw error;
  }
}

function calibrateWith(
  second: Second,
  folder: TwinFolder,
  { selection, calibration }: Parts,
  options: CalibrateOptions,
): Attempt {
  const { promise, seed = 0, confidence = folder.manifest.confidence, worstClass = false } = options;
  const stage = second === "original" ? undefined : secondStage(selection, calibration, confidence, promise);
  const result = calibrate({
    compressed: logitsOf(calibration, "compressed"),
    original: logitsOf(calibration, "original"),
    ...(stage === undefined ? {} : { second: stage }),
    ...(hasLabels(calibration) ? { labels: calibration.labels } : {}),
    grid: thresholdGrid(confidences(confidence, logitsOf(selection, "compressed"))),
    promise,
    seed,
    confidence,
    worstClass,
  });
  return { second, calibration: result, secondThreshold: stage?.threshold, cost: costOf(result, second, calibration) };
}

function secondStage(
  selection: Collected,
  calibration: Collected,
  confidence: ConfidenceSpec,
  promise: TwinPromise,
): SecondStage {
  const threshold = secondThreshold({
    second: logitsOf(selection, "original-int8"),
    original: logitsOf(selection, "original"),
    confidence,
    tolerance: promise.tolerance,
  });
  const logits = logitsOf(calibration, "original-int8");
  return threshold === undefined ? { logits } : { logits, threshold };
}

/** Time of the twin relative to the original, from the times that the networks took on the images themselves. */
function costOf({ chosen }: Calibration, secondStage: Second, calibration: Collected): number {
  return 1 / expectedSpeedUp(stageCosts({ secondStage }, calibration), chosen.escalationRate, chosen.originalRate);
}

function cheapest(attempts: readonly (Attempt | { readonly error: CalibrationError })[]): Attempt {
  const succeeded = attempts.filter((each) => "cost" in each).sort((a, b) => a.cost - b.cost);
  if (succeeded[0] !== undefined) return succeeded[0];
  throw attempts.find((each) => "error" in each)!.error;
}

const hasLabels = ({ labels }: Collected): boolean => labels.some((label) => label >= 0);

async function record(
  folder: TwinFolder,
  best: Attempt,
  parts: Parts,
  source: string,
  options: CalibrateOptions,
): Promise<Manifest> {
  const { path, manifest } = folder;
  const { chosen, ladder, confidence, promise } = best.calibration;
  const allowance = allowanceShare * Math.abs(chosen.threshold);
  const { threshold: _, secondThreshold: __, ...rest } = manifest;
  const updated: Manifest = {
    ...rest,
    confidence,
    threshold: chosen.threshold + allowance,
    secondStage: best.second,
    ...(best.secondThreshold === undefined ? {} : { secondThreshold: best.secondThreshold }),
    ladder: ladder.map((rung): ManifestRung => rung),
    guarantee: {
      ...promise,
      worstClass: best.calibration.worstClass,
      images: best.calibration.images,
      batch: usualBatch(networkOf(folder, "compressed")),
      provider: "cpu",
      cpuClass: cpuClass(),
      parts: {
        selection: partOf(parts.selection, options.selection?.name ?? source),
        calibration: partOf(parts.calibration, source),
      },
      fingerprints: await writeTwinFile(path, "fingerprints.txt", fingerprintLines(parts)),
      seed: options.seed ?? 0,
    },
    canaries: await writeCanaries(path, parts.calibration, allowance),
  };
  await writeManifest(path, updated);
  return updated;
}

const partOf = ({ names, fingerprints }: Collected, source: string) => ({
  source: source.split(/[\\/]/).at(-1)!,
  images: names.length,
  sha256: partHash(fingerprints),
});

function fingerprintLines({ selection, calibration }: Parts): Uint8Array {
  const all = new Set([...selection.fingerprints, ...calibration.fingerprints]);
  return new TextEncoder().encode(`${[...all].sort().join("\n")}\n`);
}

async function writeCanaries(path: string, collected: Collected, allowance: number) {
  const images = collected.kept.length;
  const first = pickRows(
    collected,
    Uint32Array.from({ length: images }, (_, i) => i),
  );
  const planes = new Uint8Array(images * collected.kept[0]!.length);
  collected.kept.forEach((image, i) => {
    planes.set(image, i * image.length);
  });
  const compressed = logitsOf(first, "compressed");
  const bytes = encodeCanaries({ count: images, planes, compressed, original: logitsOf(first, "original") });
  return { ...(await writeTwinFile(path, "canaries.bin", bytes)), images, allowance };
}
