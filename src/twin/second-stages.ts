import { CalibrationError } from "../errors.ts";
import type { CalibrateOptions } from "./calibrate.ts";
import {
  type Calibration,
  calibrate,
  expectedSpeedUp,
  type SecondStage,
  type SecondThresholdRequest,
  secondThreshold,
  thresholdGrid,
} from "./calibration/index.ts";
import { type Collected, logitsOf } from "./collect.ts";
import { confidences } from "./confidence/index.ts";
import { stageCosts } from "./evaluate.ts";
import type { TwinFolder } from "./folder.ts";

/** Answers of all networks on disjoint images. */
export interface CalibrationParts {
  readonly selection: Collected;
  readonly calibration: Collected;
}

/** What escalations go to first. */
export type Second = "original" | "original-int8";

/** A second stage to try; `share` of the tolerance may be changed by int8 answers that stand. */
type Alternative = { readonly second: "original" } | { readonly second: "original-int8"; readonly share: number };

/**
 * Where many int8 answers stand the second stage is cheaper, but fewer thresholds can be proven: which weighs more depends on
 * the networks, so both are tried.
 */
const alternatives = ({ trySecond = false }: CalibrateOptions): Alternative[] => {
  const int8 = [0.25, 1].map((share) => ({ second: "original-int8", share }) as const);
  return [{ second: "original" }, ...(trySecond ? int8 : [])];
};

/**
 * Calibrates with every second stage that may be tried, and finds the cheapest.
 *
 * @throws CalibrationError when no second stage allows the promise
 */
export function trySecondStages(folder: TwinFolder, parts: CalibrationParts, options: CalibrateOptions) {
  const attempts = alternatives(options).map((alternative) => attempt(alternative, folder, parts, options));
  const cheapestLast = attempts.filter((each) => "cost" in each).sort((a, b) => b.cost - a.cost);
  return { best: cheapest(attempts), costs: new Map(cheapestLast.map(({ second, cost }) => [second, cost])) };
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
  alternative: Alternative,
  folder: TwinFolder,
  parts: CalibrationParts,
  options: CalibrateOptions,
): Attempt | { readonly error: CalibrationError } {
  try {
    return calibrateWith(alternative, folder, parts, options);
  } catch (error) {
    if (error instanceof CalibrationError) return { error };
    throw error;
  }
}

function calibrateWith(
  alternative: Alternative,
  folder: TwinFolder,
  { selection, calibration }: CalibrationParts,
  options: CalibrateOptions,
): Attempt {
  const { promise, seed = 0, confidence = folder.manifest.confidence, worstClass = false } = options;
  const { second } = alternative;
  const fixed = second === "original" ? undefined : { confidence, promise, share: alternative.share };
  const stage = fixed && secondStage(selection, calibration, fixed);
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
    alternatives: alternatives(options).length,
  });
  return { second, calibration: result, secondThreshold: stage?.threshold, cost: costOf(result, second, calibration) };
}

function secondStage(
  selection: Collected,
  calibration: Collected,
  fixed: Pick<SecondThresholdRequest, "confidence" | "promise" | "share">,
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
