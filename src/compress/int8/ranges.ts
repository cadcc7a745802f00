import { UsageError, unknownValue } from "../../errors.ts";
import { binCount, type Histogram } from "./histogram.ts";

/** What an activation's range may be taken from. */
export const rangeMethods = ["minmax", "percentile-99.9", "percentile-99.99", "mse"] as const;
export type RangeMethod = (typeof rangeMethods)[number];

/** The interval that 8 bits cover; zero is always within. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Clips that the search by squared error tries on each side. */
const clipCount = 100;
const levels = 255;
const share = (index: number): number => (index + 1) / clipCount;

/** The range of an activation by the method asked for. */
export function rangeOf(histogram: Histogram, method: RangeMethod): Range {
  const whole = { low: Math.min(0, histogram.min), high: Math.max(0, histogram.max) };
  switch (method) {
    case "minmax":
      return whole;
    case "percentile-99.9":
      return percentileRange(histogram, whole, 0.001);
    case "percentile-99.99":
      return percentileRange(histogram, whole, 0.0001);
    case "mse":
      return leastErrorRange(histogram, whole);
    default:
      throw new UsageError(unknownValue("range method", String(method), rangeMethods));
  }
}

/** Leaves the share `outside` of the values outside, half of it on each side where there are two. */
function percentileRange(histogram: Histogram, whole: Range, outside: number): Range {
  const sides = whole.low < 0 && whole.high > 0 ? 2 : 1;
  const tail = (histogram.total * outside) / sides;
  const bins = [...histogram.counts.keys()];
  const low = edge(histogram, bins, tail);
  const high = edge(histogram, bins.toReversed(), tail);
  return { low: Math.max(whole.low, Math.min(0, low)), high: Math.min(whole.high, Math.max(0, high)) };
}

/** The outer edge of the first bin, in the order given, before which at most `tail` values lie; 0 beyond the sign's last. */
function edge(histogram: Histogram, order: readonly number[], tail: number): number {
  const downwards = order[0] !== 0;
  let seen = 0;
  for (const i of order) {
    seen += histogram.counts[i]!;
    if (seen > tail) return (histogram.first + i + (downwards ? 1 : 0)) * histogram.width;
  }
  return 0;
}

/**
 * The range with the least expected squared error of uniform 8-bit quantisation: step^2 / 12 for values inside
 * (rounding), the squared distance for values outside (clipping), as in Banner, Nahshan & Soudry, NeurIPS 2019, eq. 5,
 * with the measured distribution in the place of a fitted one. Both sides shrink together first, then each alone.
 */
function leastErrorRange(histogram: Histogram, whole: Range): Range {
  const scaled = (low: number, high: number): Range => ({ low: whole.low * low, high: whole.high * high });
  const best = (candidate: (share: number) => Range): number => {
    const errors = Array.from({ length: clipCount }, (_, index) => squaredError(histogram, candidate(share(index))));
    return share(errors.lastIndexOf(Math.min(...errors)));
  };
  const both = best((clip) => scaled(clip, clip));
  if (whole.low === 0 || whole.high === 0) return scaled(both, both);
  const high = best((clip) => scaled(both, clip));
  const low = best((clip) => scaled(clip, high));
  return scaled(low, high);
}

/** Expected squared error, summed over all values that are not exactly zero. */
export function squaredError(histogram: Histogram, { low, high }: Range): number {
  const rounding = ((high - low) / levels) ** 2 / 12;
  let error = 0;
  for (let i = 0; i < binCount; i++) {
    const count = histogram.counts[i]!;
    if (count === 0) continue;
    const value = histogram.centre(i);
    const clipped = value > high ? value - high : value < low ? low - value : 0;
    error += count * (clipped === 0 ? rounding : clipped * clipped);
  }
  return error;
}
