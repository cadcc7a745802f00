import { type ImageSource, overlap, type Preparable, selectImages, splitImages } from "../data/index.ts";
import { CalibrationError, type InputError } from "../errors.ts";
import { quantity } from "../figures.ts";
import { answerAll } from "./answers.ts";
import {
  type Calibration,
  type CurvePoint,
  evaluateTwin,
  labelsNeeded,
  type TwinPromise,
  thresholdGrid,
} from "./calibration/index.ts";
import type { CanaryKind } from "./canaries.ts";
import { type Collected, logitsOf } from "./collect.ts";
import { confidences } from "./confidence/index.ts";
import { stageCosts, twinOutputs } from "./evaluate.ts";
import { readTwinToChange, type TwinFolder } from "./folder.ts";
import { looksLearned, type Standing, standingOf } from "./learned-images.ts";
import { type Manifest, networksWith } from "./manifest.ts";
import { refuseTrained } from "./parts.ts";
import { recordCalibration } from "./record.ts";
import { firstRows, pickRows } from "./rows.ts";
import { type CalibrationParts, calibrateSecondStage, hasLabels } from "./second-stages.ts";
import type { ConfidenceMeasure, ConfidenceSpec } from "./types.ts";

export interface CalibrateOptions {
  readonly promise: TwinPromise;
  /**
   * How confidence is computed; default the manifest's. Of a measure that is only named, the temperature (of `tempered` and
   * `energy`) is fitted on the selection images: to their labels where all have one, else to the original's answers.
   */
  readonly confidence?: ConfidenceMeasure | ConfidenceSpec | undefined;
  /** Decides which images place the grid. Default 0. */
  readonly seed?: number | undefined;
  /** Images that place the grid, none of which may be in `images`; a part of `images` by default. */
  readonly selection?: ImageSource<Preparable> | undefined;
  /** Whether escalations may go to the int8 original first, where that is cheaper. Default false. */
  readonly trySecond?: boolean | undefined;
  /** Promise for each class on its own. Default false. */
  readonly worstClass?: boolean | undefined;
  /** What the twin carries to be checked by on other machines: some of `images`, or none of them. Default "images". */
  readonly canaries?: CanaryKind | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((images: number) => void) | undefined;
}

/** What a calibration found. */
export interface CalibrateResult {
  readonly manifest: Manifest;
  readonly calibration: Calibration;
  /** Time of the twin relative to the original, from the times that the networks took on the images. */
  readonly cost: number;
  /** The twin at every threshold that the calibration images tell apart, with the speed-up expected there. */
  readonly curve: readonly CurvePoint[];
  /** Labels were known, and used where the promise needs them. */
  readonly labelled: boolean;
  /**
   * Names of the calibration images whose label a promise on the drop lacks, the most useful first: those that the twin
   * answers otherwise than the original. All other images lose nothing, whatever they show.
   */
  readonly toLabel: readonly string[];
  /** Images that show what another calibration image shows, pixel for pixel: each counts once. */
  readonly repeated: number;
  /** How the original stands to the calibration images, where these look like images that it was trained on. */
  readonly learned?: Standing;
  readonly failures: readonly { readonly name: string; readonly error: InputError }[];
}

/** Images that place the grid when none are given: a sixth, as many as help and no more. */
const selectionSize = (images: number): number => Math.min(1000, Math.floor(images / 6));

/**
 * Proves a threshold on images and writes it into the twin, with the ladder, the guarantee and canaries.
 * Images may be prepared already, as the twin's preprocessing does it. Throws CalibrationError when the images do not allow the promise, and says which they allow; UsageError on an unknown confidence, ManifestError for a twin of a later version.
 */
export async function calibrateTwin(
  path: string,
  images: ImageSource<Preparable>,
  options: CalibrateOptions,
): Promise<CalibrateResult> {
  const folder = await readTwinToChange(path);
  const { repeated, ...parts } = await answerParts(folder, images, options);
  await refuseTrained(folder, parts.calibration, images.name);
  const best = calibrateSecondStage(folder, parts, options);
  const manifest = await recordCalibration(folder, best, parts, images.name, options);
  return {
    manifest,
    calibration: best.calibration,
    cost: best.cost,
    curve: curveOf(manifest, parts.calibration),
    labelled: hasLabels(parts.calibration),
    toLabel: namesToLabel(manifest, parts),
    repeated,
    ...learnedImages(parts.calibration),
    failures: [...parts.selection.failures, ...parts.calibration.failures],
  };
}

function learnedImages(calibration: Collected): Pick<CalibrateResult, "learned"> {
  const standing = standingOf(logitsOf(calibration, "original"), calibration.labels);
  return standing !== undefined && looksLearned(standing) ? { learned: standing } : {};
}

function curveOf(manifest: Manifest, calibration: Collected): readonly CurvePoint[] {
  const { threshold = Number.POSITIVE_INFINITY, confidence } = manifest;
  const costs = stageCosts(manifest, calibration);
  return evaluateTwin({ ...twinOutputs(manifest, calibration), threshold, confidence, costs }).curve;
}

async function answerParts(
  folder: TwinFolder,
  images: ImageSource<Preparable>,
  options: CalibrateOptions,
): Promise<CalibrationParts & { readonly repeated: number }> {
  const sources =
    options.selection === undefined
      ? await partsOf(images, options.seed ?? 0)
      : { selection: options.selection, calibration: images };
  const names = networksWith(options.trySecond === true ? "original-int8" : "original");
  const selection = await answerAll(folder, names, sources.selection, options);
  const all = await answerAll(folder, names, sources.calibration, options);
  const calibration = pickRows(all, firstRows(all.fingerprints));
  const repeated = all.names.length - calibration.names.length;
  return { selection: withoutShared(selection, calibration, sources.selection.name), calibration, repeated };
}

function namesToLabel(manifest: Manifest, { selection, calibration }: CalibrationParts): string[] {
  const grid = thresholdGrid(confidences(manifest.confidence, logitsOf(selection, "compressed")));
  const { labels } = calibration;
  const indices = labelsNeeded({
    ...twinOutputs(manifest, calibration),
    labels,
    grid,
    confidence: manifest.confidence,
  });
  return indices.map((index) => calibration.names[index]!);
}

/** Cuts images into those that place the grid and those that calibrate. Throws CalibrationError when they are too few. */
export async function partsOf<Item extends Preparable>(
  images: ImageSource<Item>,
  seed: number,
): Promise<Record<"selection" | "calibration", ImageSource<Item>>> {
  const { count } = await selectImages(images, {});
  const selection = selectionSize(count!);
  if (selection >= 2) return splitImages(images, { selection, calibration: "rest" }, seed);
  throw new CalibrationError(
    `${images.name} holds ${quantity(count!, "image")}, too few to calibrate on; a promise needs hundreds`,
  );
}

/** Images that lie in both parts calibrate; what is left of the selection places the grid. */
function withoutShared(selection: Collected, calibration: Collected, name: string): Collected {
  const shared = new Set(overlap(selection.fingerprints, calibration.fingerprints));
  const rows = [...selection.fingerprints.keys()].filter((i) => !shared.has(selection.fingerprints[i]!));
  if (rows.length > selection.names.length / 2) return pickRows(selection, Uint32Array.from(rows));
  throw new CalibrationError(
    `${name}: ${shared.size} of the ${quantity(selection.names.length, "image")} that place the thresholds are among those that calibrate; give images that do not repeat each other`,
  );
}
