import { normalQuantile } from "./normal.ts";

/** A two-sided interval of a share or of a difference. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Interval of a share, k of n, for reports: its coverage is near the level on average, not always above it.
 *
 * Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
 *
 * @param level coverage, such as 0.95
 */
export function wilsonInterval(k: number, n: number, level: number): Interval {
  const z = normalQuantile(level);
  const share = k / n;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return { low: k === 0 ? 0 : Math.max(0, centre - half), high: k === n ? 1 : Math.min(1, centre + half) };
}

/**
 * Interval of the difference of two accuracies measured on the same n images: `wins` images that only the first gets
 * right, `losses` that only the second does. Half an image is added to each of the four cells of the table.
 *
 * Source: A. Agresti, Y. Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in
 * Medicine 2005.
 *
 * @param level coverage, such as 0.95
 */
export function pairedInterval(wins: number, losses: number, n: number, level: number): Interval {
  const total = n + 2;
  const [won, lost] = [(wins + 0.5) / total, (losses + 0.5) / total];
  const difference = won - lost;
  const half = normalQuantile(level) * Math.sqrt((won + lost - difference ** 2) / total);
  return { low: Math.max(-1, difference - half), high: Math.min(1, difference + half) };
}
