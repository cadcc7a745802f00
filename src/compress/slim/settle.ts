import type { Model } from "../../onnx/index.ts";
import { type Choice, ofWidths } from "./prune.ts";
import type { Reach } from "./target.ts";
import type { SlimTarget, SpeedTarget } from "./types.ts";

/** Widths of all sites. */
export interface Found {
  readonly choices: readonly Choice[];
  /** In the unit of the target, by the costs of the layers. */
  readonly cost: number;
}

/** Searches at most; each corrects the ones before. */
const mostSearches = 4;
/** Two measurements of one network differ by so much: it is to be that much faster than asked for. */
const margin = 1.03;
/** A network that is faster by no more than that is not made wider again. */
const mostFaster = 1.15;

/** A network that was measured. */
interface Point {
  readonly cost: number;
  /** Relative to the original's. */
  readonly time: number;
}

/**
 * Searches for widths, and where a speed-up is measured searches again, narrower or wider, until the network just has it.
 * What lies between layers and around them takes the same time however thin they are, so networks' times are taken to lie
 * on a straight line over the sums of their layers' times.
 *
 * @param end - when to take what there is, by `performance.now()`
 * @param search - widths that cost no more than the limit, in the time of so many searches that are left
 * @returns the widest that is fast enough, or else the narrowest
 */
export async function settle<Each extends Found>(
  original: Model,
  target: SlimTarget,
  { full, least, limit }: Reach,
  end: number,
  search: (limit: number, searches: number) => Promise<Each>,
): Promise<Each> {
  if (!isMeasured(target)) return search(limit, 1);
  const wanted = 1 / (margin * target.speedUp);
  let [missed, met]: [(Each & Point)?, (Each & Point)?] = [];
  for (let searches = mostSearches, most = limit; searches > 0 && most >= least; searches--) {
    const found = await search(most, searches);
    const point = { ...found, time: 1 / (await target.measured(ofWidths(original, found.choices))) };
    if (point.time <= wanted) met = point;
    else missed = point;
    const isNear = met !== undefined && (missed === undefined || met.time * mostFaster >= wanted);
    if (isNear || performance.now() > end) break;
    most = met === undefined ? narrower(full, point, wanted) : between(missed!, met, wanted);
  }
  return (met ?? missed)!;
}

/** Where the line through the original's point reaches the time wanted; half of the cost at the least. */
const narrower = (full: number, point: Point, wanted: number): number =>
  point.time < 1 ? Math.max(point.cost / 2, between({ cost: full, time: 1 }, point, wanted)) : point.cost / 2;

/** Where the line through two points reaches the time wanted. */
const between = (a: Point, b: Point, wanted: number): number =>
  a.cost + ((b.cost - a.cost) * (wanted - a.time)) / (b.time - a.time);

const isMeasured = (target: SlimTarget): target is Required<SpeedTarget> =>
  "measured" in target && target.measured !== undefined;
