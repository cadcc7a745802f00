import { ModelError } from "../errors.ts";
import type { Model, ValueInfo } from "./graph.ts";
import { isKnown } from "./operators/dims.ts";
import type { Tensors } from "./run.ts";
import { elementTypes, float32, sizeOf, type Tensor, toNumbers } from "./tensor.ts";

/**
 * Deterministic inputs for a model: standard normal floats, small integers, fair truth values.
 *
 * @param batch the size put in the place of open sizes on axis 0
 * @param dims sizes for other symbols
 * @throws ModelError when another size is open
 */
export function randomInputs(model: Model, batch = 1, dims: Readonly<Record<string, number>> = {}, seed = 1): Tensors {
  const random = randomSource(seed);
  return new Map(model.graph.inputs.map((input) => [input.name, randomTensor(input, shapeFor(input, batch, dims), random)]));
}

function shapeFor(input: ValueInfo, batch: number, dims: Readonly<Record<string, number>>): number[] {
  const shape = input.shape?.map((dim, axis) => {
    const bound = typeof dim === "string" ? dims[dim] : dim;
    return bound ?? (axis === 0 ? batch : undefined);
  });
  if (shape?.every(isKnown)) return shape;
  throw new ModelError(`input "${input.name}" has an open size; fix the image size to run the model on random images`);
}

function randomTensor(input: ValueInfo, dims: readonly number[], random: () => number): Tensor {
  const count = sizeOf(dims);
  if (input.type === "float32") return float32(Array.from({ length: count }, () => normal(random)), dims);
  const draw = (): number => Math.floor(random() * (input.type === "bool" ? 2 : 16));
  const values = Array.from({ length: count }, draw);
  const data = input.type.endsWith("64") && input.type !== "float64" ? values.map(BigInt) : values;
  return { type: input.type, dims, data: (elementTypes[input.type].array as { from(v: unknown): Tensor["data"] }).from(data) };
}

/** Uniform numbers in [0, 1): mulberry32, by Tommy Ettinger (public domain). */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
