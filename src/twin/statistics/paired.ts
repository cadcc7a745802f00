import { binomialLowerBound, binomialUpperBound } from "./binomial.ts";
import { type PairedCounts, pairedScore, type Region, regionBelow, regionProbability } from "./paired-region.ts";
import { bisect, firstWhere } from "./search.ts";

/**
 * An exact test of "the drop is at most alpha" for independent losses in {-1, 0, 1}, drop = P(lost) - P(gained). Its p-value
 * is the probability of outcomes that speak for a small drop at least as much as the observed one (by Tango's score), in the
 * worst case in which the drop is alpha or more. Fewer lost always speak for it, so the worst case has a drop of exactly
 * alpha; of the gained, whose probability is not known, only what a confidence interval leaves possible counts, and the
 * interval's error is added.
 *
 * Sources: H. Hsueh, J. Liu, J. Chen, "Unconditional exact tests for equivalence or noninferiority for paired binary
 * endpoints", Biometrics 2001; R. Berger, D. Boos, "P values maximized over a confidence set for the nuisance parameter",
 * JASA 1994.
 */

/** Of the error probability: what the interval of the gained may err by, and to what p-values are worked out. */
const intervalShare = 0.01;
const resolution = 0.005;
/** Parts of the interval to begin with. */
const parts = 8;

/** Whether the outcome proves, at level 1 - delta, that the drop is at most alpha, which lies in (-1, 1). */
export function pairedAccepts(observed: PairedCounts, alpha: number, delta: number): boolean {
  if (pairedScore(observed, alpha) >= 0) return false;
  const [low, high] = possiblyGaining(observed, alpha, intervalShare * delta);
  if (low > high) return true;
  const region = regionBelow(observed, alpha, likelyCount(observed.images, high));
  return isRare(region, alpha, [low, high], (1 - intervalShare) * delta, resolution * delta);
}

/** The smallest alpha that the outcome proves, to a millionth: an upper confidence bound of the drop, in [-1, 1]. */
export function pairedUpperBound(observed: PairedCounts, delta: number): number {
  return bisect((alpha) => !pairedAccepts(observed, alpha, delta), -1, 1, 1e-6);
}

/** Smallest number of pairs, none of them lost or gained, that proves a drop of at most alpha. */
export function pairsNeeded(alpha: number, delta: number): number {
  return firstWhere((images) => pairedAccepts({ lost: 0, gained: 0, images }, alpha, delta));
}

/** Probabilities of gaining that a drop of alpha and the number of gained leave possible. */
function possiblyGaining({ gained, images }: PairedCounts, alpha: number, error: number): [number, number] {
  const low = binomialLowerBound(gained, images, error / 2);
  const high = binomialUpperBound(gained, images, error / 2);
  return [Math.max(low, 0, -alpha), Math.min(high, (1 - alpha) / 2)];
}

/** More of n than come, each with probability p, but for once in 10^15. */
const likelyCount = (n: number, p: number): number => Math.min(n, Math.ceil(n * p + 9 * Math.sqrt(n * p) + 40));

/** A probability of gaining, and that of the region there. */
interface Point {
  readonly gaining: number;
  readonly probability: number;
}

/**
 * Whether a region's probability is at most `level` wherever gaining lies in the interval, losing being more probable by
 * alpha. Parts of the interval are halved until that is proven of each; undecided by less than `precision` counts as no.
 */
function isRare(
  region: Region,
  alpha: number,
  [low, high]: readonly [number, number],
  level: number,
  precision: number,
): boolean {
  const at = (gaining: number): Point => ({
    gaining,
    probability: regionProbability(region, gaining + alpha, gaining),
  });
  const points = Array.from({ length: parts + 1 }, (_, i) => at(low + ((high - low) * i) / parts));
  const open = points.slice(1).map((right, i): [Point, Point] => [points[i]!, right]);
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const [left, right] = part;
    const known = Math.max(left.probability, right.probability);
    if (known > level) return false;
    const most = mostBetween(region, alpha, left, right, level);
    if (most <= level) continue;
    if (most - known < precision) return false;
    const middle = at((left.gaining + right.gaining) / 2);
    open.push([left, middle], [middle, right]);
  }
  return true;
}

/**
 * An upper bound of a region's probability between two points. By curvature: that of any event's probability is at most
 * the Fisher information. Where that is not enough: no outcome has fewer lost and more gained than with the least
 * probability of the one and the greatest of the other.
 */
function mostBetween(region: Region, alpha: number, left: Point, right: Point, level: number): number {
  const width = right.gaining - left.gaining;
  const known = Math.max(left.probability, right.probability);
  const rest = 1 - alpha - 2 * right.gaining;
  const information = region.images * (1 / left.gaining + 1 / (left.gaining + alpha) + 4 / rest);
  const byCurvature = known + (width * width * information) / 8;
  if (byCurvature <= level) return byCurvature;
  return Math.min(byCurvature, regionProbability(region, left.gaining + alpha, right.gaining));
}
