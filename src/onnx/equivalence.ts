import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { ModelError } from "../errors.ts";
import type { Dim, Model } from "./graph.ts";
import { isKnown } from "./operators/dims.ts";
import type { Tensors } from "./run.ts";
import { type ElementType, elementTypes, sizeOf, type Tensor, toNumbers } from "./tensor.ts";

/** Sizes for random inputs. */
export interface InputSizes {
  /** The size of axis 0 where the model leaves it open. Default 1. */
  readonly batch?: number;
  /** The size of other open axes. Default 64. */
  readonly open?: number;
}

/** Deterministic inputs that a model takes: floats uniform in [-2, 2), integers 0 to 15, truth values. */
export function randomInputs(model: Model, sizes: InputSizes = {}, seed = 1): Tensors {
  const generator = xoroshiro128plus(seed);
  const random = (): number => uniformFloat64(generator);
  return new Map(
    model.graph.inputs.map(({ name, type, shape }) => {
      if (shape === undefined) throw new ModelError(`input "${name}" has no shape; export the model with one`);
      const dims = shape.map((dim, axis) => concrete(dim, axis === 0 ? (sizes.batch ?? 1) : (sizes.open ?? 64)));
      return [name, randomTensor(type, dims, random)];
    }),
  );
}

const concrete = (dim: Dim, open: number): number => (isKnown(dim) ? dim : open);

function randomTensor(type: ElementType, dims: readonly number[], random: () => number): Tensor {
  const draw = drawer(type, random);
  const data = new elementTypes[type].array(sizeOf(dims));
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let at = 0; at < data.length; at++) data[at] = wide ? BigInt(draw()) : draw();
  return { type, dims, data };
}

/** Draws what one element of the type's array holds; half-precision types hold bits, here those of [0.5, 2). */
function drawer(type: ElementType, random: () => number): () => number {
  const integer = (from: number, count: number): number => from + Math.floor(random() * count);
  if (type === "float16") return () => integer(0x3800, 0x800);
  if (type === "bfloat16") return () => integer(0x3f00, 0x100);
  if (type.startsWith("float")) return () => random() * 4 - 2;
  return () => integer(0, type === "bool" ? 2 : 16);
}

/**
 * The largest difference between two tensors of floats or integers, relative to the largest element of the first.
 * Infinite when their shapes differ, or where one is NaN or infinite and the other is not the same.
 */
export function relativeDifference(expected: Tensor, actual: Tensor): number {
  if (expected.dims.join() !== actual.dims.join()) return Number.POSITIVE_INFINITY;
  const [a, b] = [toNumbers(expected), toNumbers(actual)];
  const scale = a.reduce(
    (largest, value) => (Number.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest),
    0,
  );
  const largest = a.reduce((largest, value, at) => Math.max(largest, difference(value, b[at]!)), 0);
  return largest === 0 ? 0 : largest / scale;
}

function difference(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  return Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) : Number.POSITIVE_INFINITY;
}

/** The largest relative difference between two runs' outputs, paired by position: names may differ. */
export function outputDifference(expected: Tensors, actual: Tensors): number {
  const others = [...actual.values()];
  const differences = [...expected.values()].map((tensor, at) => relativeDifference(tensor, others[at]!));
  return Math.max(0, ...differences);
}
