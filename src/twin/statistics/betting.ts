import { bisect, firstWhere } from "./search.ts";

/**
 * A test of "the mean loss is at most alpha" for independent losses in [-1, 1], by betting against its opposite: wealth
 * starts at 1 and is multiplied by `1 + g (alpha - loss)` at each loss. Were the mean alpha or more, wealth would be a
 * supermartingale, and would ever reach 1 / delta with probability delta at most (Ville's inequality).
 *
 * The bet g, at most 0.9, is `sqrt(2 ln(1/delta) / (n v))`, v the variance of the losses before, shrunk to a prior: the
 * predictable plug-in of I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B
 * 2023, section 3, with a prior for losses that are mostly zero.
 */

const largestBet = 0.9;

/** What is believed of the losses before any is seen, and how many losses that belief weighs. */
const prior = { losses: 10, variance: 0.02 } as const;

/**
 * Largest wealth on the way through the losses, in their order; stops early at 1 / delta. The order must not depend on the
 * losses: shuffle by a stored seed. Needs alpha > -0.1, so that no bet can lose more than the wealth.
 */
export function bettingWealth(losses: ArrayLike<number>, alpha: number, delta: number): number {
  const scale = (2 * Math.log(1 / delta)) / losses.length;
  let wealth = 1;
  let largest = 1;
  let sum = 0;
  let squares = prior.variance * prior.losses;
  for (let i = 0; i < losses.length && largest < 1 / delta; i++) {
    const loss = losses[i]!;
    const weight = prior.losses + i;
    const bet = Math.min(largestBet, Math.sqrt((scale * weight) / squares));
    wealth *= 1 + bet * (alpha - loss);
    if (wealth > largest) largest = wealth;
    sum += loss;
    squares += (loss - sum / (weight + 1)) ** 2;
  }
  return largest;
}

/** Whether the losses prove, at level 1 - delta, that their mean is at most alpha. */
export function bettingAccepts(losses: ArrayLike<number>, alpha: number, delta: number): boolean {
  return bettingWealth(losses, alpha, delta) >= 1 / delta;
}

/**
 * The smallest alpha that the losses prove: an upper confidence bound of their mean, in [-0.1, 1]. Bets do not depend on
 * alpha, so wealth rises with it at every step, and bisection finds the bound.
 */
export function bettingUpperBound(losses: ArrayLike<number>, delta: number): number {
  return bisect((alpha) => !bettingAccepts(losses, alpha, delta), -0.1, 1);
}

/** Smallest number of losses, all of them zero, that proves a mean of at most alpha. */
export function bettingLossesNeeded(alpha: number, delta: number): number {
  return firstWhere((n) => bettingAccepts(new Int8Array(n), alpha, delta));
}
