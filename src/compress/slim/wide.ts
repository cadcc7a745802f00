import { InferenceSession, Tensor } from "onnxruntime-node";
import { encodeModel, float32, GraphBuilder, modelOf, runModel } from "../../onnx/index.ts";
import { Elimination, heldTo, type LeastSquares } from "./elimination.ts";
import { copyMatrix, type Matrix, matrix, principal, rowsOf } from "./linear-algebra.ts";

/** Contributions that are equal, or nothing, still have one solution. */
const leastRidge = 1e-6;

/**
 * Elimination for layers with so many columns that the inverse of their matrix would take minutes. Units are chosen by what
 * they contribute with the weights that they have, each contribution free to be scaled: a problem with one column for each
 * unit. Source: the channel selection of He et al. 2017, with elimination in the place of their LASSO. The weights that stay
 * are then refitted in full by conjugate gradients.
 */
export class WideElimination {
  readonly #problem: LeastSquares;
  readonly #given: Matrix;
  readonly #units: readonly (readonly number[])[];
  readonly #scales: Elimination;

  private constructor(
    problem: LeastSquares,
    given: Matrix,
    units: readonly (readonly number[])[],
    scales: Elimination,
  ) {
    this.#problem = problem;
    this.#given = given;
    this.#units = units;
    this.#scales = scales;
  }

  /** @param given - the weights that the units have */
  static async create(
    problem: LeastSquares,
    given: Matrix,
    units: readonly (readonly number[])[],
  ): Promise<WideElimination> {
    const contributions = await contributionsOf(problem, given, units);
    const scales = new Elimination(
      heldTo(contributions, matrix(units.length, 1), leastRidge),
      units.map((_, unit) => [unit]),
    );
    return new WideElimination(problem, given, units, scales);
  }

  get kept(): number[] {
    return this.#scales.kept;
  }

  /** Increase of the residual before the refit: an upper bound of that after it. */
  get error(): number {
    return this.#scales.error;
  }

  /** The given weights, scaled unit by unit; zero for removed ones. */
  get weights(): Matrix {
    const scaled = copyMatrix(this.#given);
    for (const [unit, columns] of this.#units.entries()) {
      const factor = this.#scales.weights.data[unit]!;
      for (const column of columns) {
        const row = scaled.data.subarray(column * scaled.columns, (column + 1) * scaled.columns);
        row.forEach((value, o) => {
          row[o] = factor * value;
        });
      }
    }
    return scaled;
  }

  reduceTo(count: number): void {
    this.#scales.reduceTo(count);
  }

  /** The weights that minimise the residual with what is left, nearly. */
  async refitted(): Promise<Matrix> {
    const gone = new Set(this.#units.flatMap((columns, unit) => (this.kept.includes(unit) ? [] : columns)));
    const left = Array.from({ length: this.#given.rows }, (_, column) => column).filter((column) => !gone.has(column));
    return refitColumns(this.#problem, this.weights, left);
  }
}

/** The least-squares problem of scaling each unit's contribution X_j W_j to the targets. */
async function contributionsOf(
  { gram, cross, energy }: LeastSquares,
  given: Matrix,
  units: readonly (readonly number[])[],
): Promise<LeastSquares> {
  const likeness = await squareOf(given);
  const n = gram.rows;
  const result = matrix(units.length, units.length);
  for (const [a, rows] of units.entries()) {
    for (const [b, columns] of units.entries()) {
      let sum = 0;
      for (const i of rows) for (const j of columns) sum += gram.data[i * n + j]! * likeness[i * n + j]!;
      result.data[a * units.length + b] = sum;
    }
  }
  const gains = units.map((rows) => {
    const [own, targets] = [rowsOf(given, rows).data, rowsOf(cross, rows).data];
    return own.reduce((sum, value, at) => sum + value * targets[at]!, 0);
  });
  return { gram: result, cross: matrix(units.length, 1, Float64Array.from(gains)), energy };
}

/** W W', by ONNX Runtime. */
async function squareOf({ rows, columns, data }: Matrix): Promise<Float32Array> {
  const b = new GraphBuilder("square");
  const w = b.input("w", "float32", [rows, columns]);
  b.output(b.op("MatMul", [w, b.op("Transpose", [w], { perm: [1, 0] })]), "float32", [rows, rows], "square");
  const results = await runModel(modelOf(b.graph), new Map([["w", float32(Float32Array.from(data), [rows, columns])]]));
  return results.get("square")!.data as Float32Array;
}

const steps = 30;

/**
 * Solves for the weights of some columns by conjugate gradients with the diagonal as preconditioner (Hestenes & Stiefel
 * 1952), all outputs side by side; the products with X'X run in ONNX Runtime. Rows of other columns are zero.
 */
export async function refitColumns(
  { gram, cross }: LeastSquares,
  start: Matrix,
  columns: readonly number[],
): Promise<Matrix> {
  const [left, outputs] = [columns.length, start.columns];
  const square = principal(gram, columns);
  await using times = await Multiplier.open(square, outputs);
  const x = rowsOf(start, columns).data;
  const diagonal = Float64Array.from({ length: left }, (_, i) => square.data[i * left + i]!);
  const residual = rowsOf(cross, columns).data;
  (await times.of(x)).forEach((value, i) => {
    residual[i]! -= value;
  });
  const preconditioned = (): Float64Array => residual.map((value, i) => value / diagonal[Math.floor(i / outputs)]!);
  let z = preconditioned();
  let direction = z;
  let strength = dots(residual, z, outputs);
  for (let step = 0; step < steps; step++) {
    const along = await times.of(direction);
    const length = ratios(strength, dots(direction, along, outputs));
    for (let i = 0; i < x.length; i++) {
      x[i]! += length[i % outputs]! * direction[i]!;
      residual[i]! -= length[i % outputs]! * along[i]!;
    }
    z = preconditioned();
    const next = dots(residual, z, outputs);
    const share = ratios(next, strength);
    direction = z.map((value, i) => value + share[i % outputs]! * direction[i]!);
    strength = next;
  }
  const weights = matrix(start.rows, outputs);
  columns.forEach((column, i) => {
    weights.data.set(x.subarray(i * outputs, (i + 1) * outputs), column * outputs);
  });
  return weights;
}

/** The inner product of each column. */
function dots(a: Float64Array, b: Float64Array, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  for (let i = 0; i < a.length; i++) sums[i % columns]! += a[i]! * b[i]!;
  return sums;
}

/** Zero where there is nothing left to do. */
const ratios = (over: Float64Array, under: Float64Array): Float64Array =>
  over.map((value, at) => (under[at]! > 0 ? value / under[at]! : 0));

/** A square matrix in ONNX Runtime, to multiply others by. */
class Multiplier implements AsyncDisposable {
  readonly #session: InferenceSession;
  readonly #dims: readonly [number, number];

  private constructor(session: InferenceSession, dims: readonly [number, number]) {
    this.#session = session;
    this.#dims = dims;
  }

  static async open({ rows, data }: Matrix, columns: number): Promise<Multiplier> {
    const b = new GraphBuilder("multiplier");
    const x = b.input("x", "float32", [rows, columns]);
    b.output(
      b.op("MatMul", [b.constant(float32(Float32Array.from(data), [rows, rows])), x]),
      "float32",
      [rows, columns],
      "y",
    );
    const session = await InferenceSession.create(encodeModel(modelOf(b.graph)), {
      intraOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    return new Multiplier(session, [rows, columns]);
  }

  async of(values: Float64Array): Promise<Float64Array> {
    const results = await this.#session.run({ x: new Tensor("float32", Float32Array.from(values), this.#dims) });
    return Float64Array.from(results.y!.data as Float32Array);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}
