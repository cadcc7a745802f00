import { UnsupportedOperatorError } from "../../errors.ts";
import { float32, type GraphBuilder, int64, intAttribute, sizeOf } from "../../onnx/index.ts";
import type { GradientRule } from "../differentiate.ts";

/**
 * The gradient of a value of `size` elements along `axis`, of which the output shows those at `indices` in turn: each element
 * takes the sum of the gradients where it is shown. Written as one Gather for each time that an element may be shown.
 *
 * @param shape - sizes of `gradient`
 */
export function ungather(
  b: GraphBuilder,
  gradient: string,
  shape: readonly number[],
  axis: number,
  indices: readonly number[],
  size: number,
): string {
  const shown: number[][] = Array.from({ length: size }, () => []);
  for (const [at, index] of indices.entries()) shown[index]!.push(at);
  const zeros = shape.with(axis, 1);
  const zero = b.constant(float32(new Float32Array(sizeOf(zeros)), zeros), "zero");
  const padded = b.op("Concat", [gradient, zero], { axis });
  const times = Math.max(1, ...shown.map(({ length }) => length));
  const terms = Array.from({ length: times }, (_, i) => {
    const places = shown.map((list) => list[i] ?? indices.length);
    return b.op("Gather", [padded, b.constant(int64(places))], { axis });
  });
  return terms.reduce((sum, term) => b.op("Add", [sum, term]));
}

/** By the data only: indices are constants. */
const gather: GradientRule = (c) => [
  () => {
    const from = c.shape(c.inputs[0]!);
    const axis = (intAttribute(c.node, "axis", 0) + from.length) % from.length;
    const size = from[axis]!;
    const indices = c.integers(1).map((index) => (index < 0 ? index + size : index));
    if (indices.some((index) => index < 0 || index >= size)) {
      throw new UnsupportedOperatorError(c.node.op, c.node.name, `has indices outside 0..${size - 1}`);
    }
    const flat = [...from.slice(0, axis), indices.length, ...from.slice(axis + 1)];
    const gradient = c.b.op("Reshape", [c.gradient, c.b.constant(int64(flat))]);
    return ungather(c.b, gradient, flat, axis, indices, size);
  },
  undefined,
];

export const gatherRules: Record<string, GradientRule> = { Gather: gather };
