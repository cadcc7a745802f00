import { ModelError } from "../../errors.ts";
import type { Dim, Shape } from "../graph.ts";

/** Whether a size is a number. */
export const isKnown = (dim: Dim): dim is number => typeof dim === "number";

/** A shape for messages: `[batch,3,?]`. */
export const shapeText = (shape: Shape): string =>
  shape === undefined ? "[...]" : `[${shape.map((dim) => dim ?? "?").join(",")}]`;

/** A shape of `rank` unknown sizes. */
export const unknownDims = (rank: number): Dim[] => Array.from({ length: rank });

/** The shape with `dim` at `axis`. */
export const withDim = (shape: readonly Dim[], axis: number, dim: Dim): Dim[] => shape.toSpliced(axis, 1, dim);

/** The more exact of two statements about one size. */
export const mergeDim = (a: Dim, b: Dim): Dim => (isKnown(a) || b === undefined ? a : isKnown(b) ? b : (a ?? b));

/** The product of sizes: a number, or one symbol where all others are 1, or unknown. */
export const product = (dims: readonly Dim[]): Dim => quotient(dims, []);

const knownProduct = (dims: readonly Dim[]): number => dims.filter(isKnown).reduce((a, b) => a * b, 1);

/** The quotient of two products of sizes; equal symbols cancel. Undefined where it is not a number or one symbol. */
export function quotient(numerator: readonly Dim[], denominator: readonly Dim[]): Dim {
  const over = numerator.filter((dim) => !isKnown(dim));
  for (const dim of denominator.filter((dim) => !isKnown(dim))) {
    const at = dim === undefined ? -1 : over.indexOf(dim);
    if (at < 0) return undefined;
    over.splice(at, 1);
  }
  const factor = knownProduct(numerator) / knownProduct(denominator);
  if (over.length === 0) return Number.isInteger(factor) ? factor : undefined;
  return over.length === 1 && factor === 1 ? over[0] : undefined;
}

/** The shape that operands take together by NumPy's broadcasting. Throws ModelError where they do not fit. */
export function broadcast(shapes: readonly Shape[]): Shape {
  const known = shapes.filter((shape) => shape !== undefined);
  if (known.length < shapes.length) return undefined;
  const rank = Math.max(0, ...known.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    known.map((shape) => dimFromEnd(shape, rank - axis)).reduce(broadcastDim, 1),
  );
}

const dimFromEnd = (shape: readonly Dim[], fromEnd: number): Dim =>
  fromEnd > shape.length ? 1 : shape[shape.length - fromEnd];

function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === 1) return b;
  if (b === 1 || a === b) return a;
  if (isKnown(a) && isKnown(b)) throw new ModelError(`sizes ${a} and ${b} cannot be broadcast`);
  if (isKnown(a)) return a;
  return isKnown(b) ? b : undefined;
}

/** Row-major strides of a shape. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const dim of dims.toReversed()) {
    strides.unshift(stride);
    stride *= dim;
  }
  return strides;
}

/** Calls `visit` with every index of a shape, in row-major order. */
export function forEachIndex(dims: readonly number[], visit: (index: readonly number[]) => void): void {
  if (dims.includes(0)) return;
  const index = dims.map(() => 0);
  for (;;) {
    visit(index);
    let axis = dims.length - 1;
    while (axis >= 0 && ++index[axis]! === dims[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}
