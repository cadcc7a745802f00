import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  logGamma,
  normalQuantile,
  type PairedCounts,
  pairedAccepts,
  pairedUpperBound,
  pairsNeeded,
} from "../../src/twin/statistics/index.ts";

/** All outcomes of so many pairs. */
function outcomes(images: number): PairedCounts[] {
  return Array.from({ length: images + 1 }, (_, lost) =>
    Array.from({ length: images - lost + 1 }, (_, gained) => ({ lost, gained, images })),
  ).flat();
}

/** `log(p ^ count)`, also where both are zero. */
const logPower = (p: number, count: number): number => (count === 0 ? 0 : count * Math.log(p));

/** Probability of an outcome where a pair loses with probability `losing` and gains with probability `gaining`. */
function probability({ lost, gained, images }: PairedCounts, losing: number, gaining: number): number {
  const rest = images - lost - gained;
  const ways = logGamma(images + 1) - logGamma(lost + 1) - logGamma(gained + 1) - logGamma(rest + 1);
  return Math.exp(ways + logPower(losing, lost) + logPower(gaining, gained) + logPower(1 - losing - gaining, rest));
}

const counts = fc
  .tuple(fc.nat(300), fc.nat(300), fc.nat(5000))
  .map(([lost, gained, rest]) => ({ lost, gained, images: lost + gained + rest + 1 }));

describe("the exact test of pairs", () => {
  const cases = [10, 25, 40].flatMap((images) => {
    const alphas = [-0.1, 0.05, 0.1, 0.3];
    return alphas.flatMap((alpha) => [0.05, 0.2].map((delta) => ({ images, alpha, delta })));
  });

  it.each(cases)(
    "errs no more often than promised, whatever the truth: $images pairs, $alpha, $delta",
    ({ images, alpha, delta }) => {
      const accepted = outcomes(images).filter((outcome) => pairedAccepts(outcome, alpha, delta));
      for (let gaining = Math.max(0, -alpha); gaining <= (1 - alpha) / 2; gaining += 0.01) {
        for (const more of [0, 0.03, 0.2]) {
          const losing = gaining + alpha + more;
          if (losing + gaining > 1 - 1e-9) continue;
          const error = accepted.reduce((sum, outcome) => sum + probability(outcome, losing, gaining), 0);
          expect(error, `losing ${losing}, gaining ${gaining}`).toBeLessThanOrEqual(delta + 1e-9);
        }
      }
    },
  );

  it("gives little of its level away: on 40 pairs it errs four times in a hundred where five are allowed", () => {
    const accepted = outcomes(40).filter((outcome) => pairedAccepts(outcome, 0.1, 0.05));
    const errors = [0.05, 0.1, 0.2].map((gaining) =>
      accepted.reduce((sum, outcome) => sum + probability(outcome, gaining + 0.1, gaining), 0),
    );
    expect(Math.max(...errors)).toBeGreaterThan(0.04);
  });

  it("never holds a loss for a gain", () => {
    const property = fc.property(counts, fc.double({ min: 0.001, max: 0.2, noNaN: true }), (outcome, alpha) => {
      if (outcome.lost === 0 || !pairedAccepts(outcome, alpha, 0.05)) return;
      const better = { ...outcome, lost: outcome.lost - 1 };
      expect(pairedUpperBound(better, 0.05)).toBeLessThanOrEqual(pairedUpperBound(outcome, 0.05));
    });
    fc.assert(property, { numRuns: 40 });
  });

  it("bounds where acceptance begins", () => {
    const property = fc.property(counts, (outcome) => {
      const bound = pairedUpperBound(outcome, 0.05);
      expect(bound).toBeGreaterThan((outcome.lost - outcome.gained) / outcome.images);
      if (bound < 0.99) expect(pairedAccepts(outcome, bound, 0.05)).toBe(true);
      if (bound > -0.99) expect(pairedAccepts(outcome, bound - 2e-6, 0.05)).toBe(false);
    });
    fc.assert(property, { numRuns: 40 });
  });

  it.each([
    [110, 110],
    [100, 130],
    [160, 120],
  ])(
    "comes within 3 percent of what the normal distribution would claim on 5,000 images, %i lost and %i gained",
    (lost, gained) => {
      const images = 5000;
      const mean = (lost - gained) / images;
      const error = normalQuantile(0.9) * Math.sqrt(((lost + gained) / images - mean * mean) / images);
      const margin = pairedUpperBound({ lost, gained, images }, 0.05) - mean;
      expect(margin / error).toBeGreaterThan(1);
      expect(margin / error).toBeLessThan(1.03);
    },
  );

  it("needs hardly more pairs than a binomial test where nothing is lost", () => {
    for (const alpha of [0.001, 0.005, 0.05]) {
      const binomial = Math.log(0.05) / Math.log1p(-alpha);
      expect(pairsNeeded(alpha, 0.05)).toBeGreaterThanOrEqual(binomial);
      expect(pairsNeeded(alpha, 0.05)).toBeLessThan(1.01 * binomial + 2);
    }
  });
});
