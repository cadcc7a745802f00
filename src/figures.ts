/** A fraction as a percentage. */
export const percent = (fraction: number, digits = 1): string => `${(100 * fraction).toFixed(digits)} %`;

/** How many of something: `1 image`, `2 images`. */
export const quantity = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/**
 * The value below which a share `q` of the samples lie, by linear interpolation between the two nearest order statistics.
 * Source: R. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996), type 7.
 */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) throw new RangeError("a quantile needs at least one sample");
  const sorted = samples.toSorted((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (position - Math.floor(position)) * (above - below);
}

/** The middle one of an odd number of samples; the mean of the two middle ones of an even number. */
export const median = (samples: readonly number[]): number => quantile(samples, 0.5);
