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
import { ungather } from "./gather.ts";

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

/** Each element takes the gradient of the place where the slice shows it. */
const sliced: GradientRule = (c) => [
  () => {
    const from = c.shape(c.inputs[0]!);
    const to = c.shape(c.node.outputs[0]!);
    const starts = c.integers(1);
    const axes = axesOf(c, starts.length);
    const steps = c.inputs[4] ? c.integers(4) : starts.map(() => 1);
    if (steps.every((step) => step === 1)) return unslice(c, from, to, axes, starts);
    let [gradient, shape] = [c.gradient, to];
    axes.forEach((axis, i) => {
      const size = from[axis]!;
      const first = Math.min(Math.max(wrap(starts[i]!, size), 0), steps[i]! > 0 ? size : size - 1);
      const indices = Array.from({ length: to[axis]! }, (_, at) => first + at * steps[i]!);
      gradient = ungather(c.b, gradient, shape, axis, indices, size);
      shape = shape.with(axis, size);
    });
    return gradient;
  },
];

/** Zeros around the gradient. */
function unslice(
  { b, gradient }: GradientContext,
  from: readonly number[],
  to: readonly number[],
  axes: readonly number[],
  starts: readonly number[],
): string {
  const before = from.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = Math.min(Math.max(wrap(starts[i]!, from[axis]!), 0), from[axis]!);
  });
  const after = from.map((size, axis) => size - before[axis]! - to[axis]!);
  return b.op("Pad", [gradient, b.constant(int64([...before, ...after]))]);
}

/** Where a padded position shows the input: by mode, an index of an axis of `size` elements. */
const sources: Readonly<Record<string, (position: number, size: number) => number>> = {
  edge: (position, size) => Math.min(Math.max(position, 0), size - 1),
  wrap: (position, size) => ((position % size) + size) % size,
  reflect: (position, size) => {
    if (size === 1) return 0;
    const period = 2 * (size - 1);
    const inside = ((position % period) + period) % period;
    return Math.min(inside, period - inside);
  },
};

/** What lies inside the padding; where the padding repeats the input, its gradients too. */
const padded: GradientRule = (c) => [
  () => {
    const from = c.shape(c.inputs[0]!);
    const pads = c.integers(1);
    if (pads.some((pad) => pad < 0)) throw refused(c, `has no gradient for negative padding ${pads.join(", ")}`);
    const axes = axesOf(c, pads.length / 2);
    const mode = stringAttribute(c.node, "mode", "constant");
    if (mode === "constant") {
      const ends = axes.map((axis, i) => pads[i]! + from[axis]!);
      return slice(c.b, c.gradient, axes, pads.slice(0, axes.length), ends);
    }
    const source = sources[mode];
    if (source === undefined) throw refused(c, `has no gradient in mode "${mode}"`);
    let [gradient, shape] = [c.gradient, c.shape(c.node.outputs[0]!)];
    axes.forEach((axis, i) => {
      const size = from[axis]!;
      const indices = Array.from({ length: shape[axis]! }, (_, at) => source(at - pads[i]!, size));
      gradient = ungather(c.b, gradient, shape, axis, indices, size);
      shape = shape.with(axis, size);
    });
    return gradient;
  },
];

const refused = ({ node }: GradientContext, problem: string): UnsupportedOperatorError =>
  new UnsupportedOperatorError(node.op, node.name, problem);

/** The axes that a Slice or Pad names in its input 3; the first `count` where it names none. */
function axesOf(c: GradientContext, count: number): number[] {
  const rank = c.shape(c.inputs[0]!).length;
  return c.inputs[3] ? c.integers(3).map((axis) => wrap(axis, rank)) : Array.from({ length: count }, (_, axis) => axis);
}

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
