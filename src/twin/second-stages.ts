import { CalibrationError } from "../errors.ts";
import type { CalibrateOptions } from "./calibrate.ts";
import {
  type Calibration,
  calibrate,
  expectedSpeedUp,
  type SecondStage,
  secondThreshold,
  type TwinPromise,
  thresholdGrid,
} from "./calibration/index.ts";
import { type Collected, logitsOf } from "./collect.ts";
import { confidences } from "./confidence/index.ts";
import { stageCosts } from "./evaluate.ts";
import type { TwinFolder } from "./folder.ts";
import type { ConfidenceSpec } from "./types.ts";

/** Answers of all networks on disjoint images. */
export interface CalibrationParts {
  readonly selection: Collected;
  readonly calibration: Collected;
}

/** What escalations go to first. */
export type Second = "original" | "original-int8";
const secondStages = ({ trySecond = false }: CalibrateOptions): Second[] =>
  trySecond ? ["original", "original-int8"] : ["original"];

/**
 * Calibrates with every second stage that may be tried, and finds the cheapest.
 *
 * @throws CalibrationError when no second stage allows the promise
 */
export function trySecondStages(folder: TwinFolder, parts: CalibrationParts, options: CalibrateOptions) {
  const attempts = secondStages(options).map((second) => attempt(second, folder, parts, options));
  const costs = attempts.flatMap((each) => ("cost" in each ? [[each.second, each.cost] as const] : []));
  return { best: cheapest(attempts), costs: new Map(costs) };
}

/** A calibration with one second stage. */
export interface Attempt {
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
  parts: CalibrationParts,
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
  { selection, calibration }: CalibrationParts,
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
    alternatives: secondStages(options).length,
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
    promise,
    labels: selection.labels,
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

export const hasLabels = ({ labels }: Collected): boolean => labels.some((label) => label >= 0);
