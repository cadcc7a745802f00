/** A dense matrix, row by row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A matrix of zeros, or around `data`. */
export function matrix(rows: number, columns: number, data: Float64Array = new Float64Array(rows * columns)): Matrix {
  return { rows, columns, data };
}

export const copyMatrix = ({ rows, columns, data }: Matrix): Matrix => matrix(rows, columns, data.slice());

/** target += factor * source, over `count` elements. */
function addScaled(
  target: Float64Array,
  at: number,
  source: Float64Array,
  from: number,
  count: number,
  factor: number,
): void {
  for (let i = 0; i < count; i++) target[at + i]! += factor * source[from + i]!;
}

/** The rows and columns at `indices` of a square matrix. */
export function principal({ columns, data }: Matrix, indices: readonly number[]): Matrix {
  const size = indices.length;
  const result = matrix(size, size);
  indices.forEach((row, i) => {
    indices.forEach((column, j) => {
      result.data[i * size + j] = data[row * columns + column]!;
    });
  });
  return result;
}

/** The rows at `indices`. */
export function rowsOf({ columns, data }: Matrix, indices: readonly number[]): Matrix {
  const result = matrix(indices.length, columns);
  indices.forEach((row, i) => {
    result.data.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return result;
}

/** A B */
export function product(a: Matrix, b: Matrix): Matrix {
  const result = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k]!;
      if (factor !== 0) addScaled(result.data, i * b.columns, b.data, k * b.columns, b.columns, factor);
    }
  }
  return result;
}

/** The sum of the products of equal elements: tr(A' B). */
export function inner(a: Matrix, b: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!;
  return sum;
}

/**
 * The lower triangle L of A = L L' (Cholesky); undefined where A is not positive definite. Only A's lower triangle is
 * read.
 */
export function cholesky(a: Matrix): Matrix | undefined {
  const n = a.rows;
  const { data: l } = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a.data[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i === j && !(sum > 0)) return undefined;
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / l[j * n + j]!;
    }
  }
  return matrix(n, n, l);
}

/** X with L L' X = B, for a lower triangle L. */
export function solveCholesky({ rows: n, data: l }: Matrix, b: Matrix): Matrix {
  const { columns, data: x } = copyMatrix(b);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) addScaled(x, i * columns, x, k * columns, columns, -l[i * n + k]!);
    scale(x, i * columns, columns, 1 / l[i * n + i]!);
  }
  for (let i = n - 1; i >= 0; i--) {
    scale(x, i * columns, columns, 1 / l[i * n + i]!);
    for (let k = 0; k < i; k++) addScaled(x, k * columns, x, i * columns, columns, -l[i * n + k]!);
  }
  return matrix(n, columns, x);
}

function scale(values: Float64Array, at: number, count: number, factor: number): void {
  for (let i = at; i < at + count; i++) values[i]! *= factor;
}

/** The inverse of A = L L', from L: the product of the inverse triangles. */
export function inverseCholesky({ rows: n, data: l }: Matrix): Matrix {
  const triangle = inverseTriangle(n, l);
  const result = matrix(n, n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i <= k; i++) {
      addScaled(result.data, i * n, triangle, k * n, i + 1, triangle[k * n + i]!);
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) result.data[j * n + i] = result.data[i * n + j]!;
  return result;
}

function inverseTriangle(n: number, l: Float64Array): Float64Array {
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) addScaled(result, i * n, result, k * n, k + 1, -l[i * n + k]!);
    result[i * n + i] = 1;
    scale(result, i * n, i + 1, 1 / l[i * n + i]!);
  }
  return result;
}

/**
 * Takes a block out of the inverse of a matrix and out of what was multiplied by it. With M = inv(H) and J the block,
 * `M - M_J inv(M_JJ) M_J'` is the inverse of H without J's rows and columns, with zeros in their place; with W = inv(H) B
 * and P = inv(M_JJ) W_J, `W - M_J P` solves what is left. Both change in place.
 */
export function eliminate(inverse: Matrix, solution: Matrix, block: readonly number[]): void {
  const factor = cholesky(principal(inverse, block));
  if (factor === undefined) throw new RangeError("the matrix is not positive definite");
  const across = rowsOf(inverse, block);
  subtractProduct(solution, across, solveCholesky(factor, rowsOf(solution, block)));
  subtractProduct(inverse, across, solveCholesky(factor, across));
  for (const index of block) {
    solution.data.fill(0, index * solution.columns, (index + 1) * solution.columns);
    inverse.data.fill(0, index * inverse.columns, (index + 1) * inverse.columns);
    for (let row = 0; row < inverse.rows; row++) inverse.data[row * inverse.columns + index] = 0;
  }
}

/** target -= A' B */
function subtractProduct(target: Matrix, a: Matrix, b: Matrix): void {
  for (let row = 0; row < target.rows; row++) {
    for (let k = 0; k < a.rows; k++) {
      const factor = -a.data[k * a.columns + row]!;
      if (factor !== 0) addScaled(target.data, row * target.columns, b.data, k * b.columns, b.columns, factor);
    }
  }
}
