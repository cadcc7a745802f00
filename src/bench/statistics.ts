import type { Latency, Measured } from "./types.ts";

/**
 * The value below which a share `q` of the samples lie, by linear interpolation between the two nearest order statistics.
 * Source: R. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996), type 7.
 */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) throw new RangeError("a quantile needs at least one sample");
  return quantileOfSorted(
    samples.toSorted((a, b) => a - b),
    q,
  );
}

function quantileOfSorted(sorted: readonly number[], q: number): number {
  const position = q * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (position - Math.floor(position)) * (above - below);
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** Median and spread of one sample a round. */
export function measured(samples: readonly number[]): Measured {
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples), samples: [...samples] };
}

/** Ratios round by round, so that what slows the machine down for a while slows both sides. */
export function pairedRatio(over: readonly number[], under: readonly number[]): Measured {
  if (over.length !== under.length) throw new RangeError(`cannot pair ${over.length} samples with ${under.length}`);
  return measured(over.map((value, round) => value / under[round]!));
}

/** Percentiles over all rounds. */
export function latency(rounds: readonly (readonly number[])[]): Latency {
  const sorted = rounds.flat().sort((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError("a latency needs at least one sample");
  return {
    p50: quantileOfSorted(sorted, 0.5),
    p90: quantileOfSorted(sorted, 0.9),
    p99: quantileOfSorted(sorted, 0.99),
    samples: rounds.map((round) => [...round]),
  };
}
