/**
 * Where a condition that holds at the low end stops to hold, to the precision given: by default, the last bits of a double. Returns the upper end of the
 * last interval, where it holds no more: the safe side for an upper confidence bound.
 */
export function bisect(holds: (x: number) => boolean, low: number, high: number, precision = 1e-15): number {
  let [below, above] = [low, high];
  while (above - below > precision) {
    const middle = (below + above) / 2;
    if (middle <= below || middle >= above) break;
    if (holds(middle)) below = middle;
    else above = middle;
  }
  return above;
}

/** Smallest whole number of 1 and more from which on a condition holds. */
export function firstWhere(holds: (n: number) => boolean): number {
  let high = 1;
  while (!holds(high)) high *= 2;
  let low = high >>> 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
