import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Elimination, heldTo, type LeastSquares, residual, solveFor } from "../../../src/compress/slim/elimination.ts";
import {
  cholesky,
  inner,
  inverseCholesky,
  type Matrix,
  matrix,
  product,
  rowsOf,
} from "../../../src/compress/slim/linear-algebra.ts";
import { refitColumns, WideElimination } from "../../../src/compress/slim/wide.ts";

const transposed = ({ rows, columns, data }: Matrix): Matrix =>
  matrix(
    columns,
    rows,
    Float64Array.from({ length: data.length }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
  );

const matrices = (rows: number, columns: number): fc.Arbitrary<Matrix> =>
  fc
    .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: rows * columns, maxLength: rows * columns })
    .map((values) => matrix(rows, columns, Float64Array.from(values)));

/** Samples and targets of a layer with units of one to three columns, and one column that is of no unit. */
const problems = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 5 }),
    outputs: fc.integer({ min: 1, max: 3 }),
  })
  .chain(({ sizes, outputs }) => {
    const columns = sizes.reduce((a, b) => a + b, 1);
    return fc
      .record({
        samples: matrices(2 * columns, columns),
        targets: matrices(2 * columns, outputs),
        given: matrices(columns, outputs),
      })
      .map(({ samples, targets, given }) => ({
        problem: heldTo(leastSquares(samples, targets), given, 0.05),
        given,
        units: unitsOf(sizes),
      }));
  });

function unitsOf(sizes: readonly number[]): number[][] {
  let at = 1;
  return sizes.map((size) => Array.from({ length: size }, () => at++));
}

function leastSquares(samples: Matrix, targets: Matrix): LeastSquares {
  const across = transposed(samples);
  return { gram: product(across, samples), cross: product(across, targets), energy: inner(targets, targets) };
}

const difference = (a: Matrix, b: Matrix): number =>
  Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!))) / Math.max(1, ...a.data.map(Math.abs));

describe("elimination", () => {
  test("after any removals the weights are the optimum for the columns that are left", () => {
    fc.assert(
      fc.property(problems, fc.integer({ min: 0, max: 4 }), ({ problem, units }, removals) => {
        const elimination = new Elimination(problem, units);
        elimination.reduceTo(Math.max(1, units.length - removals));
        const columns = [0, ...elimination.kept.flatMap((unit) => units[unit]!)];
        expect(difference(solveFor(problem, columns), elimination.weights)).toBeLessThan(1e-8);
      }),
    );
  });

  test("a price is the rise of the residual", () => {
    fc.assert(
      fc.property(problems, ({ problem, units }) => {
        const elimination = new Elimination(problem, units);
        const before = residual(problem, elimination.weights);
        for (const unit of units.keys()) {
          elimination.remove(unit);
          const rise = residual(problem, elimination.weights) - before;
          expect(elimination.error).toBeCloseTo(rise, 8);
        }
      }),
    );
  });

  test("the cheapest unit is the one without which the residual is smallest", () => {
    fc.assert(
      fc.property(problems, ({ problem, units }) => {
        const without = (gone: number): number => {
          const columns = [0, ...units.flatMap((unit, at) => (at === gone ? [] : unit))];
          return residual(problem, solveFor(problem, columns));
        };
        const elimination = new Elimination(problem, units);
        const least = Math.min(...units.map((_, at) => without(at)));
        expect(without(elimination.cheapest())).toBeCloseTo(least, 8);
      }),
    );
  });

  test("weights that explain the targets stay as they are, however few the samples", () => {
    fc.assert(
      fc.property(matrices(3, 5), matrices(5, 2), (samples, given) => {
        const problem = heldTo(leastSquares(samples, product(samples, given)), given);
        expect(difference(given, new Elimination(problem, []).weights)).toBeLessThan(1e-6);
      }),
    );
  });
});

test("sums that rounding has made indefinite still have an optimum, near the given weights", () => {
  const given = matrix(2, 1, Float64Array.of(3, -2));
  const gram = matrix(2, 2, Float64Array.of(-4e-9, 0, 0, 5e-9));
  const sums = { gram, cross: matrix(2, 1), energy: 0 };
  expect(() => new Elimination(heldTo(sums, given), [])).toThrow("not positive definite");
  const { weights } = new Elimination(heldTo({ ...sums, uncertainty: 1e-6 }, given), []);
  expect(difference(given, weights)).toBeLessThan(0.02);
});

describe("elimination of wide layers", () => {
  test("conjugate gradients find the optimum for the columns that are left", async () => {
    await fc.assert(
      fc.asyncProperty(problems, async ({ problem, given, units }) => {
        const columns = [0, ...units.slice(1).flat()];
        const solved = await refitColumns(problem, given, columns);
        const best = residual(problem, solveFor(problem, columns));
        expect(residual(problem, solved) - best).toBeLessThanOrEqual(1e-5 * problem.energy);
      }),
      { numRuns: 30 },
    );
  });

  test("the refit leaves no more than scaled weights do, and removes nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(problems, async ({ problem, given, units }) => {
        const elimination = await WideElimination.create(problem, given, units);
        elimination.reduceTo(1);
        const refitted = await elimination.refitted();
        const gone = units.filter((_, unit) => !elimination.kept.includes(unit)).flat();
        expect(rowsOf(refitted, gone).data.every((value) => value === 0)).toBe(true);
        expect(residual(problem, refitted)).toBeLessThanOrEqual(
          residual(problem, elimination.weights) + 1e-5 * problem.energy,
        );
      }),
      { numRuns: 30 },
    );
  });

  test("a unit without weights goes first", async () => {
    const samples = matrix(
      6,
      3,
      Float64Array.from({ length: 18 }, (_, i) => Math.sin(3 * i)),
    );
    const given = matrix(3, 2, Float64Array.of(1, 2, 0, 0, -1, 1));
    const problem = leastSquares(samples, product(samples, given));
    const elimination = await WideElimination.create(problem, given, [[0], [1], [2]]);
    elimination.reduceTo(2);
    expect(elimination.kept).toEqual([0, 2]);
    expect(elimination.error).toBeLessThan(1e-6 * problem.energy);
  });
});

test("the inverse by Cholesky times the matrix is the identity", () => {
  fc.assert(
    fc.property(matrices(9, 6), (samples) => {
      const { gram } = heldTo(leastSquares(samples, samples), matrix(6, 6), 0.05);
      const identity = matrix(6, 6);
      for (let i = 0; i < 6; i++) identity.data[7 * i] = 1;
      expect(difference(identity, product(gram, inverseCholesky(cholesky(gram)!)))).toBeLessThan(1e-9);
    }),
  );
});

test("a matrix that is not positive definite has no Cholesky factor", () => {
  expect(cholesky(matrix(2, 2, Float64Array.of(1, 2, 2, 1)))).toBeUndefined();
});
