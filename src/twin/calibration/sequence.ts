import { imagesNeeded, type LossTest, type TwinPromise } from "./promise.ts";

/** A place of the grid that has a share of the error probability of its own; all shares make 1. */
export interface Start {
  readonly at: number;
  readonly share: number;
}

/**
 * Where testing starts: at the top, and for a drop with half of the error probability once more in the middle of the grid.
 * Where two networks err on different images a twin is better than its original, the most so where few inputs are
 * escalated; higher up nothing is gained, and a strict promise fails there for want of images. All starts at the top where
 * `images` are so few that half would not do.
 */
export function startsOf(grid: readonly number[], promise: TwinPromise, images: number): Start[] {
  const half = { ...promise, probability: (1 + promise.probability) / 2 };
  if (promise.kind === "agreement" || images < imagesNeeded(half)) return [{ at: 0, share: 1 }];
  return [
    { at: 0, share: 0.5 },
    { at: Math.floor(grid.length / 2), share: 0.5 },
  ];
}

/**
 * Tests thresholds in the grid's order. Each may err by the share that starts there and that of the threshold before it,
 * which an accepted one hands on and a refused one loses. With one start this is fixed-sequence testing, stopped at the
 * first failure. All accepted thresholds are true together with the promise's probability.
 *
 * Sources: B. Wiens, "A fixed sequence Bonferroni procedure for testing multiple endpoints", Pharmaceutical Statistics
 * 2003 (the fallback procedure); A. Angelopoulos et al., "Learn then Test: calibrating predictive algorithms to achieve
 * risk control", Annals of Applied Statistics 2025 (arXiv 2021).
 *
 * @param accepts - the test of a threshold that errs by a share of the error probability
 * @returns indices of the accepted thresholds, rising
 */
export function acceptedOf(
  grid: readonly number[],
  starts: readonly Start[],
  accepts: (threshold: number, share: number) => boolean,
): number[] {
  let share = 0;
  return [...grid.keys()].filter((index) => {
    share += starts.find(({ at }) => at === index)?.share ?? 0;
    const accepted = share > 0 && accepts(grid[index]!, share);
    if (!accepted) share = 0;
    return accepted;
  });
}

/**
 * The test of a promise for each of several groups of images: it accepts when all
 * groups do. If the promise is false for some group, accepting needs that group's own test to err, so each may use the
 * full level (an intersection-union test: R. L. Berger, Technometrics 1982); no Bonferroni correction is needed.
 */
export function testGroups(test: LossTest, groups: readonly ArrayLike<number>[]): LossTest {
  const pick = (losses: Int8Array) => groups.map((images) => gather(losses, images));
  return {
    accepts: (losses) => pick(losses).every((own) => test.accepts(own)),
    bound: (losses) => Math.max(...pick(losses).map((own) => test.bound(own))),
  };
}

function gather(losses: Int8Array, images: ArrayLike<number>): Int8Array {
  const own = new Int8Array(images.length);
  for (let i = 0; i < own.length; i++) own[i] = losses[images[i]!]!;
  return own;
}
