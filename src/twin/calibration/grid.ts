import { CalibrationError } from "../../errors.ts";
import { rangeOf } from "../confidence/index.ts";
import type { ConfidenceSpec, Logits } from "../types.ts";
import type { TwinPromise } from "./promise.ts";
import { lossesOf, sampleOf } from "./sample.ts";

/** Escalation rates, in percent, that a grid aims at, in the order in which they are tested. */
const rates = [95, 90, 80, 70, ...Array.from({ length: 60 }, (_, i) => 60 - i)];

/**
 * The thresholds that calibration will test, placed where the confidences of other images (the selection images, which
 * must never calibrate) are escalated at 95, 90, 80, 70, 60, 59, ... 1 %. Each lies half-way between two neighbouring
 * confidences, so that it does not decide by rounding. Falling; equal ones are dropped.
 *
 * @throws CalibrationError when the confidences do not tell the images apart.
 */
export function thresholdGrid(selection: Float64Array): number[] {
  const sorted = selection.toSorted();
  if (sorted.length < 2 || sorted[0] === sorted.at(-1)) {
    throw new CalibrationError(
      `the confidences of ${sorted.length} selection images are ${sorted.length < 2 ? "too few" : `all ${sorted[0]}`}: no threshold can be placed`,
    );
  }
  const thresholds = rates.map((rate) => escalating(sorted, rate / 100));
  return thresholds.filter((threshold, i) => i === 0 || threshold < thresholds[i - 1]!);
}

/** The threshold that escalates this share of the sorted confidences, at least one and not all. */
function escalating(sorted: Float64Array, rate: number): number {
  const below = Math.min(Math.max(1, Math.round(rate * sorted.length)), sorted.length - 1);
  return (sorted[below - 1]! + sorted[below]!) / 2;
}

/** @throws CalibrationError unless the thresholds are numbers that fall. */
export function checkGrid(grid: readonly number[]): void {
  if (grid.length === 0) throw new CalibrationError("the grid holds no threshold: make one with thresholdGrid");
  const wrong = grid.findIndex((value, i) => !Number.isFinite(value) || (i > 0 && value >= grid[i - 1]!));
  if (wrong === -1) return;
  throw new CalibrationError(`threshold ${wrong} of the grid is ${grid[wrong]}: thresholds must be numbers that fall`);
}

/** What fixes the threshold of the second stage, all of it from selection images. */
export interface SecondThresholdRequest {
  readonly second: Logits;
  readonly original: Logits;
  readonly confidence: ConfidenceSpec;
  readonly promise: Pick<TwinPromise, "kind" | "tolerance">;
  /**
   * Index of each image's true class, -1 where it is not known: for a promise on the drop an answer is changed only where
   * that makes it right or wrong, or where the class is not known.
   */
  readonly labels?: Int32Array | undefined;
}

/** The share of the tolerance that the second stage may use up. */
const secondShare = 0.25;

/**
 * The threshold of the int8 original, fixed on selection images so that the cascade keeps one free parameter and
 * calibration one sequence: the lowest at which no more of its standing answers are changed than a quarter of the
 * tolerance. Undefined when even all of its answers may stand. Whatever it is, calibration counts the second
 * stage's losses, so the promise does not rest on this choice.
 */
export function secondThreshold(request: SecondThresholdRequest): number | undefined {
  const { second, original, labels, promise } = request;
  const sample = sampleOf({ compressed: second, original, ...(labels && { labels }) }, request.confidence);
  const { confidence, kept } = lossesOf(sample, promise.kind) ?? sample.differing;
  const changed = confidence.filter((_, i) => kept[i] !== 0).toSorted();
  const allowed = Math.floor(secondShare * promise.tolerance * second.count);
  const surest = changed.at(-1 - allowed);
  if (surest === undefined) return undefined;
  return Math.min(above(surest, confidence), rangeOf(request.confidence.measure).high);
}

/** Half-way between a confidence and the next larger one; one more where none is larger. */
function above(confidence: number, all: Float64Array): number {
  const next = all.reduce((least, value) => (value > confidence ? Math.min(least, value) : least), confidence + 2);
  return (confidence + next) / 2;
}
