import { Elimination, heldTo, type LeastSquares } from "./elimination.ts";
import type { Matrix } from "./linear-algebra.ts";
import { WideElimination } from "./wide.ts";

/** A layer that loses units, the cheapest first. */
export interface Thinning {
  /** Units that are left, in ascending order. */
  readonly kept: readonly number[];
  /** Increase of the residual by all that was removed. */
  readonly error: number;
  /** Zero in the rows of removed units. */
  readonly weights: Matrix;
  reduceTo(count: number): void;
  /** The best weights for the units that are left. */
  refitted(): Promise<Matrix>;
}

/** Columns up to which the exact elimination takes seconds. */
const exactColumns = 1200;

/**
 * Elimination held to the given weights: exact where the layer is narrow enough.
 *
 * @param isExact - whether there is time for it; else units are chosen by what they contribute
 */
export async function thinningOf(
  problem: LeastSquares,
  given: Matrix,
  units: readonly (readonly number[])[],
  isExact: boolean,
): Promise<Thinning> {
  const held = heldTo(problem, given);
  return isExact && given.rows <= exactColumns
    ? new Elimination(held, units)
    : WideElimination.create(held, given, units);
}
