import type { Candidate, Compression } from "./context.ts";

/** What the user has. */
export interface Means {
  /** Images to train on. */
  readonly images: number;
  readonly labelled: boolean;
  readonly classes: number;
}

/** Whether a recipe serves with the means at hand, and why. */
export interface Verdict {
  readonly suits: boolean;
  readonly reason: string;
}

/** A way to compress. */
export interface Recipe {
  /** The publication that it follows. */
  readonly source: string;
  judge(means: Means): Verdict;
  /**
   * Makes one compressed network or several; the one that makes the cheapest twin is taken.
   *
   * @param name - the recipe's name as the user knows it, compositions included
   */
  run(compression: Compression, name: string): Promise<Candidate[]>;
}
