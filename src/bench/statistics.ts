import { median, quantile } from "../figures.ts";
import type { Latency, Measured } from "./types.ts";

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
  const all = rounds.flat();
  return {
    p50: median(all),
    p90: quantile(all, 0.9),
    p99: quantile(all, 0.99),
    samples: rounds.map((round) => [...round]),
  };
}
