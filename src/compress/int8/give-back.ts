import type { Unit } from "./units.ts";

/** A node and how far quantising it alone moves the answers. */
export interface Sensitivity {
  readonly node: string;
  /** Mean squared change of the network's outputs, relative to their mean square. */
  readonly error: number;
}

/**
 * Orders nodes by how much it hurts the answers to quantise each alone, the worst first.
 *
 * @param errorOf the error of the network in which this unit alone is quantised
 */
export async function bySensitivity(
  units: readonly Unit[],
  errorOf: (unit: Unit) => Promise<number>,
): Promise<Sensitivity[]> {
  const found: Sensitivity[] = [];
  for (const unit of units) found.push({ node: unit.node.name, error: await errorOf(unit) });
  return found.toSorted((a, b) => b.error - a.error);
}

/**
 * The fewest nodes, taken from the front of the order, that have to return to float32 for the agreement wanted: a
 * bisection, as agreement grows with the number of nodes but for noise. All of them always suffice.
 *
 * @param attempt the agreement with the first `count` nodes in float32
 */
export async function fewestGivenBack(
  total: number,
  wanted: number,
  attempt: (count: number) => Promise<number>,
): Promise<number> {
  let [failed, enough] = [0, total];
  while (enough - failed > 1) {
    const count = Math.floor((failed + enough) / 2);
    if ((await attempt(count)) >= wanted) enough = count;
    else failed = count;
  }
  return enough;
}
