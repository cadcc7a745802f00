import { UnsupportedOperatorError } from "../../errors.ts";
import {
  float32,
  type GraphBuilder,
  int64,
  intAttribute,
  intsAttribute,
  sizeOf,
  stringAttribute,
} from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

const reshape = (b: GraphBuilder, value: string, shape: readonly number[]): string =>
  b.op("Reshape", [value, b.constant(int64(shape))]);

/** Operators that only rename the axes of the same elements in the same order. */
const relabel: GradientRule = ({ b, gradient, inputs, shape }) => [() => reshape(b, gradient, shape(inputs[0]!))];

const transpose: GradientRule = ({ b, gradient, inputs, node, shape }) => [
  () => {
    const reversed = shape(inputs[0]!).map((_, axis, { length }) => length - 1 - axis);
    const perm = intsAttribute(node, "perm", reversed);
    return b.op("Transpose", [gradient], { perm: perm.map((_, axis) => perm.indexOf(axis)) });
  },
];

/** Each input takes its own part of the gradient. */
const concat: GradientRule = (c) => {
  const axis = axisOf(c, 0);
  let end = 0;
  return c.inputs.map((input) => {
    const start = end;
    end += c.shape(input)[axis]!;
    const bounds = [start, end] as const;
    return () => slice(c.b, c.gradient, [axis], [bounds[0]], [bounds[1]]);
  });
};

/** The parts' gradients side by side; zeros for a part that the loss does not depend on. */
const split: GradientRule = (c) => [
  () => {
    const parts = c.node.outputs.map((output, i) => c.gradients[i] ?? zeros(c, c.shape(output)));
    return c.b.op("Concat", parts, { axis: axisOf(c, 0) });
  },
];

/** Zeros around the gradient. Steps other than 1 are refused. */
const sliced: GradientRule = (c) => [
  () => {
    const from = c.shape(c.inputs[0]!);
    const to = c.shape(c.node.outputs[0]!);
    const starts = c.integers(1);
    const axes = (c.inputs[3] ? c.integers(3) : starts.map((_, i) => i)).map((axis) => wrap(axis, from.length));
    const steps = c.inputs[4] ? c.integers(4) : [];
    if (steps.some((step) => step !== 1)) {
      throw new UnsupportedOperatorError(
        c.node.op,
        c.node.name,
        `has no gradient for steps ${steps.join(", ")}; use steps of 1`,
      );
    }
    const before = from.map(() => 0);
    axes.forEach((axis, i) => {
      before[axis] = Math.min(Math.max(wrap(starts[i]!, from[axis]!), 0), from[axis]!);
    });
    const after = from.map((size, axis) => size - before[axis]! - to[axis]!);
    return c.b.op("Pad", [c.gradient, c.b.constant(int64([...before, ...after]))]);
  },
];

/** What lies inside the padding. Modes that repeat the input are refused. */
const padded: GradientRule = (c) => [
  () => {
    const mode = stringAttribute(c.node, "mode", "constant");
    if (mode !== "constant") {
      throw new UnsupportedOperatorError(c.node.op, c.node.name, `has no gradient in mode "${mode}"; use "constant"`);
    }
    const from = c.shape(c.inputs[0]!);
    const pads = c.integers(1);
    const axes = c.inputs[3] ? c.integers(3).map((axis) => wrap(axis, from.length)) : from.map((_, axis) => axis);
    const starts = axes.map((_, i) => pads[i]!);
    const ends = axes.map((axis, i) => pads[i]! + from[axis]!);
    if (pads.some((pad) => pad < 0)) {
      throw new UnsupportedOperatorError(
        c.node.op,
        c.node.name,
        `has no gradient for negative padding ${pads.join(", ")}`,
      );
    }
    return slice(c.b, c.gradient, axes, starts, ends);
  },
];

/** An Expand repeats its input as elementwise operators do, and that is undone where theirs is. */
const expand: GradientRule = ({ gradient }) => [() => gradient];

function slice(
  b: GraphBuilder,
  value: string,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
): string {
  return b.op("Slice", [value, b.constant(int64(starts)), b.constant(int64(ends)), b.constant(int64(axes))]);
}

const wrap = (index: number, size: number): number => (index < 0 ? index + size : index);

const axisOf = ({ node, inputs, shape }: GradientContext, fallback: number): number =>
  wrap(intAttribute(node, "axis", fallback), shape(inputs[0]!).length);

const zeros = ({ b }: GradientContext, dims: readonly number[]): string =>
  b.constant(float32(new Float32Array(sizeOf(dims)), dims), "zero");

export const shapeRules: Record<string, GradientRule> = {
  Reshape: relabel,
  Flatten: relabel,
  Squeeze: relabel,
  Unsqueeze: relabel,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: sliced,
  Pad: padded,
  Expand: expand,
};
