import type { Isolation, Plan } from "../lanes/index.ts";
import type { ScenarioName } from "./measure.ts";
import type { BenchResult } from "./types.ts";

export interface BenchOptions {
  /** What was typed, for the result. */
  readonly command: string;
  /** How many rounds; 5 by default, and fewer say little about the spread. */
  readonly rounds?: number | undefined;
  /** How long a sample takes, about; 1 by default. */
  readonly seconds?: number | undefined;
  /** All by default. */
  readonly scenarios?: readonly ScenarioName[] | undefined;
  /** Decides which images are measured on, and the arrivals of the server scenario; 0 by default. */
  readonly seed?: number | undefined;
  /** How settings are found: the best by measuring (default), or the usual ones without, which is quicker. */
  readonly planning?: "measured" | "usual" | undefined;
  /** The twin's setting for throughput, instead of one found. */
  readonly plan?: Plan | undefined;
  /** Where lanes run; `thread` by default. */
  readonly isolation?: Isolation | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when a step begins. */
  readonly onStep?: ((step: BenchStep) => void) | undefined;
  /** Called after each round, out of so many in all. */
  readonly onRound?: ((done: number, total: number) => void) | undefined;
  /** Called after each round with everything so far; the next round waits for it. */
  readonly save?: ((soFar: BenchResult) => Promise<void>) | undefined;
}

/** What a bench does, in this order. */
export type BenchStep = "answers" | "plans" | "memory" | "rounds";
