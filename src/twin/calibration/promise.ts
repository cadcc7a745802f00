import { UsageError, unknownValue } from "../../errors.ts";
import {
  binomialTail,
  binomialUpperBound,
  largestCount,
  type PairedCounts,
  pairedAccepts,
  pairedUpperBound,
  pairsNeeded,
} from "../statistics/index.ts";
import { bisect } from "../statistics/search.ts";

/** What can be promised: a bound on the accuracy lost (needs labels), or on the answers that differ (needs none). */
export const promiseKinds = ["drop", "agreement"] as const;
export type PromiseKind = (typeof promiseKinds)[number];

/** A promise about new images of the distribution that calibration saw. */
export interface TwinPromise {
  readonly kind: PromiseKind;
  /**
   * Of `drop`: the accuracy that may be lost, 0.005 for half a point. Of `agreement`: the share of answers that may differ
   * from the original's, 0.01 for an agreement of 99 %. In (0, 1).
   */
  readonly tolerance: number;
  /** Probability, over the calibration images drawn, that the promise is true; 0.95 usually. In (0, 1). */
  readonly probability: number;
}

/** A statistical test of mean loss <= tolerance, on the losses of independent images. */
export interface LossTest {
  /** True, where the mean is above the tolerance, with probability 1 - `probability` at most. */
  accepts(losses: Int8Array): boolean;
  /** The smallest tolerance that these losses would have been accepted for. */
  bound(losses: Int8Array): number;
}

/** The test that decides a promise, exact for both kinds: binomial for agreement, of pairs for the drop. */
export function promiseTest({ kind, tolerance, probability }: TwinPromise): LossTest {
  const delta = 1 - probability;
  if (kind === "drop") {
    return {
      accepts: (losses) => pairedAccepts(countPairs(losses), tolerance, delta),
      bound: (losses) => pairedUpperBound(countPairs(losses), delta),
    };
  }
  return {
    accepts: (losses) => binomialTail(sum(losses), losses.length, tolerance) <= delta,
    bound: (losses) => binomialUpperBound(sum(losses), losses.length, delta),
  };
}

/** Sum of losses: with agreement, the number of answers that differ. */
export function sum(losses: Int8Array): number {
  let total = 0;
  for (let i = 0; i < losses.length; i++) total += losses[i]!;
  return total;
}

function countPairs(losses: Int8Array): PairedCounts {
  let lost = 0;
  for (const loss of losses) if (loss > 0) lost++;
  return { lost, gained: lost - sum(losses), images: losses.length };
}

/** Of so many images none lost and none gained: the best that can be. */
const faultless = (images: number): PairedCounts => ({ lost: 0, gained: 0, images });

/** @throws UsageError unless the kind is known and both numbers lie in (0, 1). */
export function checkPromise({ kind, tolerance, probability }: TwinPromise): void {
  if (!promiseKinds.includes(kind)) throw new UsageError(unknownValue("kind of promise", kind, promiseKinds));
  for (const [name, value] of Object.entries({ tolerance, probability })) {
    if (!(value > 0 && value < 1)) {
      throw new UsageError(`the ${name} of a promise must lie between 0 and 1 (0.005 is 0.5 %), received ${value}`);
    }
  }
}

/**
 * Images that a promise needs at least: so many without a single loss would just prove it. For agreement this is
 * `ln(delta) / ln(1 - tolerance)`, about `ln(1 / delta) / tolerance`; for a drop, three in a thousand more.
 */
export function imagesNeeded({ kind, tolerance, probability }: TwinPromise): number {
  const delta = 1 - probability;
  if (kind === "drop") return pairsNeeded(tolerance, delta);
  return Math.ceil(Math.log(delta) / Math.log1p(-tolerance));
}

/** The smallest tolerance that this many images can prove at best, without a single loss. */
export function toleranceAllowed(kind: PromiseKind, images: number, probability: number): number {
  const delta = 1 - probability;
  return kind === "drop" ? pairedUpperBound(faultless(images), delta) : -Math.expm1(Math.log(delta) / images);
}

/** The promise as a test must prove it that has only a share of its error probability. */
export const spending = (promise: TwinPromise, errorShare = 1): TwinPromise => ({
  ...promise,
  probability: 1 - (1 - promise.probability) * errorShare,
});

/** The largest probability at which this many images can prove a tolerance at best, without a single loss. */
export function probabilityAllowed(kind: PromiseKind, images: number, tolerance: number): number {
  if (kind === "agreement") return -Math.expm1(images * Math.log1p(-tolerance));
  return 1 - bisect((delta) => !pairedAccepts(faultless(images), tolerance, delta), 0, 1, 1e-9);
}

/** Differing answers among so many images that still prove an agreement; -1 when the images are too few for any. */
export function disagreementsAllowed(images: number, tolerance: number, probability: number): number {
  return largestCount(images, tolerance, 1 - probability);
}

/** The promise in words, such as `a drop of at most 0.5 points with 95 % probability`. `worstClass`: it holds for each class. */
export function describePromise({
  kind,
  tolerance,
  probability,
  worstClass = false,
}: TwinPromise & { readonly worstClass?: boolean }): string {
  const what =
    kind === "drop"
      ? `a drop of at most ${percent(tolerance)} points`
      : `an agreement of at least ${percent(1 - tolerance)} %`;
  return `${what}${worstClass ? " for each class" : ""} with ${percent(probability)} % probability`;
}

/** A fraction in percent, to three significant digits and without trailing zeros. */
export function percent(fraction: number): string {
  const value = fraction * 100;
  return String(
    Math.abs(value) >= 90 && Math.abs(value) < 100 ? Number(value.toFixed(3)) : Number(value.toPrecision(3)),
  );
}
