import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * The first `count` moments of arrival (milliseconds from the start, ascending) of a Poisson process of `perSecond`
 * arrivals. The gaps are exponential, drawn by inversion; the seed decides them.
 */
export function poissonArrivals(perSecond: number, count: number, seed: number): number[] {
  const random = xoroshiro128plus(seed);
  let moment = 0;
  return Array.from({ length: count }, () => {
    moment -= (1000 / perSecond) * Math.log(1 - uniformFloat64(random));
    return moment;
  });
}
