import type { LossTest } from "./promise.ts";
import { type LossTable, lossesAt } from "./sample.ts";

/**
 * Fixed-sequence testing: thresholds are tested in the grid's order, and the first failure ends it. Each is tested at the
 * full level, yet all accepted ones are true together with the test's probability: for a false one to be accepted the
 * first false one must be, and that is one test.
 *
 * Source: A. Angelopoulos et al., "Learn then Test: calibrating predictive algorithms to achieve risk control", Annals of
 * Applied Statistics 2025 (arXiv 2021); the principle is W. Maurer, L. Hothorn, W. Lehmacher's of 1995.
 *
 * @returns how many thresholds, from the first, are accepted
 */
export function countAccepted(grid: readonly number[], table: LossTable, test: LossTest): number {
  const failure = grid.findIndex((threshold) => !test.accepts(lossesAt(table, threshold)));
  return failure === -1 ? grid.length : failure;
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
