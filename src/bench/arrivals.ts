import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Moments of arrival (milliseconds from the start, ascending) of a Poisson process of `perSecond` arrivals, over
 * `seconds`. The gaps are exponential, drawn by inversion; the seed decides them.
 */
export function poissonArrivals(perSecond: number, seconds: number, seed: number): number[] {
  const random = xoroshiro128plus(seed);
  const arrivals: number[] = [];
  let moment = 0;
  for (;;) {
    moment -= (1000 / perSecond) * Math.log(1 - uniformFloat64(random));
    if (moment > 1000 * seconds) return arrivals;
    arrivals.push(moment);
  }
}
