import { CalibrationError } from "../errors.ts";
import type { CalibrateOptions } from "./calibrate.ts";
import {
  type Calibration,
  calibrate,
  expectedSpeedUp,
  type SecondStage,
  type SecondThresholdRequest,
  type StageCosts,
  secondThreshold,
  thresholdGrid,
} from "./calibration/index.ts";
import { type Collected, logitsOf } from "./collect.ts";
import { confidences, fitTemperature, topClasses } from "./confidence/index.ts";
import { stageCosts } from "./evaluate.ts";
import type { TwinFolder } from "./folder.ts";
import type { ConfidenceMeasure, ConfidenceSpec } from "./types.ts";

/** Answers of all networks on disjoint images. */
export interface CalibrationParts {
  readonly selection: Collected;
  readonly calibration: Collected;
}

/** What escalations go to first. */
export type Second = "original" | "original-int8";

/** The share of the error probability that is left for float32, where the promise could not be kept with int8 before it. */
const fallbackShare = 0.1;

/**
 * Calibrates with the original in int8 as second stage where it may be tried and is faster here; with float32 alone where it
 * is not, or where that does not allow the promise. What is tried first is decided by time, not by answers, and the
 * second gets a share of the error probability, so that the promise holds whichever is taken.
 *
 * @throws CalibrationError when no second stage allows the promise
 */
export function calibrateSecondStage(folder: TwinFolder, parts: CalibrationParts, options: CalibrateOptions): Attempt {
  if (!int8IsFaster(parts, options)) return calibrateWith("original", 1, folder, parts, options);
  try {
    return calibrateWith("original-int8", 1 - fallbackShare, folder, parts, options);
  } catch (error) {
    if (!(error instanceof CalibrationError)) throw error;
    return fallingBack(error, folder, parts, options);
  }
}

/** Calibrates with float32 alone. What is told where that fails, too, is the first refusal, which asks for less. */
function fallingBack(
  refusal: CalibrationError,
  folder: TwinFolder,
  parts: CalibrationParts,
  options: CalibrateOptions,
): Attempt {
  try {
    return calibrateWith("original", fallbackShare, folder, parts, options);
  } catch (error) {
    throw error instanceof CalibrationError ? refusal : error;
  }
}

function int8IsFaster({ calibration }: CalibrationParts, { trySecond = false }: CalibrateOptions): boolean {
  return trySecond && calibration.time.get("original-int8")! < calibration.time.get("original")!;
}

/** A calibration with one second stage. */
export interface Attempt {
  readonly second: Second;
  readonly calibration: Calibration;
  readonly secondThreshold: number | undefined;
  /** Times of the networks on the images themselves. */
  readonly costs: StageCosts;
  /** Time of the twin relative to the original. */
  readonly cost: number;
}

function calibrateWith(
  second: Second,
  errorShare: number,
  folder: TwinFolder,
  { selection, calibration }: CalibrationParts,
  options: CalibrateOptions,
): Attempt {
  const { promise, worstClass = false } = options;
  const confidence = confidenceOf(folder, selection, options);
  const stage = second === "original" ? undefined : secondStage(selection, calibration, { confidence, promise });
  const result = calibrate({
    compressed: logitsOf(calibration, "compressed"),
    original: logitsOf(calibration, "original"),
    ...(stage === undefined ? {} : { second: stage }),
    ...(hasLabels(calibration) ? { labels: calibration.labels } : {}),
    grid: thresholdGrid(confidences(confidence, logitsOf(selection, "compressed"))),
    promise,
    confidence,
    worstClass,
    errorShare,
    names: folder.manifest.labels,
  });
  const costs = stageCosts({ secondStage: second }, calibration);
  return { second, calibration: result, secondThreshold: stage?.threshold, costs, cost: costOf(result, costs) };
}

/** The confidence asked for; of a measure that is only named and has a temperature, this is fitted on selection images. */
function confidenceOf(
  { manifest }: TwinFolder,
  selection: Collected,
  { confidence }: CalibrateOptions,
): ConfidenceSpec {
  if (confidence === undefined) return manifest.confidence;
  if (typeof confidence !== "string") return confidence;
  if (!hasTemperature(confidence)) return { measure: confidence, temperature: 1 };
  const labelled = selection.labels.every((label) => label >= 0);
  const targets = labelled ? selection.labels : topClasses(logitsOf(selection, "original"));
  return { measure: confidence, temperature: fitTemperature(logitsOf(selection, "compressed"), targets) };
}

const hasTemperature = (measure: ConfidenceMeasure): boolean => measure === "tempered" || measure === "energy";

function secondStage(
  selection: Collected,
  calibration: Collected,
  fixed: Pick<SecondThresholdRequest, "confidence" | "promise">,
): SecondStage {
  const threshold = secondThreshold({
    ...fixed,
    second: logitsOf(selection, "original-int8"),
    original: logitsOf(selection, "original"),
    labels: selection.labels,
  });
  const logits = logitsOf(calibration, "original-int8");
  return threshold === undefined ? { logits } : { logits, threshold };
}

const costOf = ({ chosen }: Calibration, costs: StageCosts): number =>
  1 / expectedSpeedUp(costs, chosen.escalationRate, chosen.originalRate);

export const hasLabels = ({ labels }: Collected): boolean => labels.some((label) => label >= 0);
