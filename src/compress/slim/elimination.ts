import {
  cholesky,
  copyMatrix,
  eliminate,
  inner,
  inverseCholesky,
  type Matrix,
  matrix,
  principal,
  rowsOf,
  solveCholesky,
} from "./linear-algebra.ts";

/** Least squares of a layer: the W that minimises |T - X W|^2, by what the samples X and targets T sum up to. */
export interface LeastSquares {
  /** X'X [n, n] */
  readonly gram: Matrix;
  /** X'T [n, outputs] */
  readonly cross: Matrix;
  /** tr(T'T) */
  readonly energy: number;
  /** By how much rounding may have moved an eigenvalue of X'X; default 0. */
  readonly uncertainty?: number;
}

/** How strongly weights are held to those given, relative to the mean of X'X's diagonal. */
const ridge = 2e-3;

/**
 * Adds a penalty on the distance from the given weights, `r mean(diag X'X) |W - W0|^2`: few samples then leave alone what
 * they say nothing about, and where nothing has changed the optimum is W0 itself. What X'X is uncertain by comes on top, so
 * that it is positive definite.
 */
export function heldTo(problem: LeastSquares, given: Matrix, share = ridge): LeastSquares {
  const { gram, cross, energy, uncertainty = 0 } = problem;
  const strength = share * meanDiagonal(gram) + uncertainty || 1;
  const [held, pulled] = [copyMatrix(gram), copyMatrix(cross)];
  for (let i = 0; i < held.rows; i++) held.data[i * held.columns + i]! += strength;
  for (let i = 0; i < pulled.data.length; i++) pulled.data[i]! += strength * given.data[i]!;
  return { gram: held, cross: pulled, energy: energy + strength * inner(given, given) };
}

function meanDiagonal({ rows, data }: Matrix): number {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += data[i * rows + i]!;
  return sum / rows;
}

/** |T - X W|^2 */
export function residual({ gram, cross, energy }: LeastSquares, weights: Matrix): number {
  let quadratic = 0;
  const { rows: n, columns } = weights;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const factor = gram.data[i * n + j]!;
      if (factor === 0) continue;
      for (let o = 0; o < columns; o++) {
        quadratic += weights.data[i * columns + o]! * factor * weights.data[j * columns + o]!;
      }
    }
  }
  return energy - 2 * inner(weights, cross) + quadratic;
}

/**
 * Optimal-brain elimination of units (groups of columns of X) from a least-squares problem: the cheapest unit goes, and
 * the weights of the others move to the new optimum.
 *
 * With H = X'X and W = inv(H) X'T, removing unit J costs `s_J = tr(W_J' inv([inv H]_JJ) W_J)`: the exact increase of the
 * smallest residual. Source: Hassibi & Stork, "Second order derivatives for network pruning: optimal brain surgeon", 1992;
 * by blocks and for layers: Frantar & Alistarh, "Optimal brain compression", 2022; ZipLM, 2023.
 */
export class Elimination {
  /** The optimum without the removed units; their rows are zero. [n, outputs] */
  readonly weights: Matrix;
  /** Increase of the residual by all that was removed. */
  error = 0;
  readonly #inverse: Matrix;
  readonly #units: readonly (readonly number[])[];
  readonly #left: Set<number>;

  /**
   * @param units - the columns of each unit; columns of none always stay
   * @throws RangeError when X'X is not positive definite
   */
  constructor({ gram, cross }: LeastSquares, units: readonly (readonly number[])[]) {
    const factor = cholesky(gram);
    if (factor === undefined) throw new RangeError("the matrix is not positive definite");
    this.weights = solveCholesky(factor, cross);
    this.#inverse = inverseCholesky(factor);
    this.#units = units;
    this.#left = new Set(units.keys());
  }

  /** Units that are left, in ascending order. */
  get kept(): number[] {
    return [...this.#left];
  }

  /** By how much the smallest residual rises when the unit goes. */
  price(unit: number): number {
    const columns = this.#units[unit]!;
    const block = rowsOf(this.weights, columns);
    const factor = cholesky(principal(this.#inverse, columns));
    return factor === undefined ? Number.POSITIVE_INFINITY : inner(block, solveCholesky(factor, block));
  }

  /** The unit whose removal costs least. */
  cheapest(): number {
    const [first = -1, ...others] = this.#left;
    let best = { unit: first, price: this.price(first) };
    for (const unit of others) {
      const price = this.price(unit);
      if (price < best.price) best = { unit, price };
    }
    return best.unit;
  }

  remove(unit: number): void {
    this.error += this.price(unit);
    eliminate(this.#inverse, this.weights, this.#units[unit]!);
    this.#left.delete(unit);
  }

  /** The weights are the optimum already. */
  async refitted(): Promise<Matrix> {
    return this.weights;
  }

  /** Removes the cheapest units until `count` are left. */
  reduceTo(count: number): void {
    while (this.#left.size > count) this.remove(this.cheapest());
  }
}

/** The optimum for some of the columns; rows of the others are zero. */
export function solveFor({ gram, cross }: LeastSquares, columns: readonly number[]): Matrix {
  const factor = cholesky(principal(gram, columns));
  if (factor === undefined) throw new RangeError("the matrix is not positive definite");
  const solved = solveCholesky(factor, rowsOf(cross, columns));
  const weights = matrix(cross.rows, cross.columns);
  columns.forEach((column, i) => {
    weights.data.set(solved.data.subarray(i * cross.columns, (i + 1) * cross.columns), column * cross.columns);
  });
  return weights;
}
