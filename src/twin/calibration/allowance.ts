import { rangeOf } from "../confidence/index.ts";
import type { ConfidenceMeasure } from "../types.ts";

/** Share of the threshold by which it is raised, so that canaries may differ by as much on another machine. */
const allowanceShare = 0.02;

/**
 * How far a proven threshold is raised, so that the confidence may change by as much on another machine. Of measures that
 * end at 1, a change of the logits moves the middle of the range most and its ends hardly, by the slope `p (1 - p)` of the
 * logistic function (4 brings it to 1 in the middle): so a raised threshold stays below 1.
 */
export function allowanceFor(measure: ConfidenceMeasure, threshold: number): number {
  const scale = rangeOf(measure).high === 1 ? 4 * threshold * (1 - threshold) : Math.abs(threshold);
  return allowanceShare * scale;
}

/**
 * Where a threshold is tested: itself, as it is used, and as a machine may have it whose confidences are lower by the
 * allowance. All must pass, so that each may use up the error probability (an intersection-union test).
 */
export function tested(measure: ConfidenceMeasure, threshold: number): number[] {
  const allowance = allowanceFor(measure, threshold);
  return [threshold, threshold + allowance, threshold + 2 * allowance];
}

/** The threshold in use where this one is proven. */
export const raised = (measure: ConfidenceMeasure, threshold: number): number =>
  threshold + allowanceFor(measure, threshold);
