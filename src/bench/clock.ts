import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";

/** Where the scenarios get the time from. */
export interface Clock {
  /** Milliseconds since some fixed moment, with fractions. */
  now(): number;
  /** Waits; rejects when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal }),
};
