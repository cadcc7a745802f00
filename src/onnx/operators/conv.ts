import type { Dim, Shape } from "../graph.ts";
import { isKnown, product, shapeText } from "./dims.ts";
import type { CostContext, Inferred, NodeContext, Operator, OperatorTable } from "./operator.ts";
import { slide, spread, windowsOf } from "./window.ts";

/** Output [N, M, ...] of a convolution of [N, C, ...] with weights [M, C / group, ...]. */
function convShape(context: NodeContext, data: Inferred, weights: Inferred): Shape {
  const x = data.shape;
  const w = weights.shape;
  if (x === undefined || w === undefined) return undefined;
  if (x.length < 3 || x.length !== w.length)
    context.fail(`cannot convolve ${shapeText(x)} with weights ${shapeText(w)}`);
  const group = context.int("group", 1);
  const [channels, perGroup] = [x[1], w[1]];
  if (isKnown(channels) && isKnown(perGroup) && channels !== perGroup * group) {
    context.fail(`${channels} input channels, but weights for ${perGroup} x ${group} groups`);
  }
  const windows = windowsOf(context, context.ints("kernel_shape", []).length > 0 ? kernelOf(context) : w.slice(2));
  return [x[0], w[0], ...windows.map((window, axis) => slide(x[axis + 2], window))];
}

const kernelOf = (context: NodeContext): readonly number[] => context.ints("kernel_shape", []);

/** Every output element takes one multiply-accumulate a weight of its output channel. */
function convMacs(weights: number): (context: CostContext) => number | undefined {
  return (context) => {
    const perOutput = product(context.input(weights).shape?.slice(1) ?? [undefined]);
    const size = context.outputSize;
    return size === undefined || !isKnown(perOutput) ? undefined : size * perOutput;
  };
}

function transposedShape(context: NodeContext): Shape {
  const x = context.input(0).shape;
  const w = context.input(1).shape;
  if (x === undefined || w === undefined) return undefined;
  if (x.length < 3 || x.length !== w.length)
    context.fail(`cannot convolve ${shapeText(x)} with weights ${shapeText(w)}`);
  const channels = isKnown(w[1]) ? w[1] * context.int("group", 1) : undefined;
  return [x[0], channels, ...transposedSpatial(context, x.slice(2), w.slice(2))];
}

function transposedSpatial(context: NodeContext, sizes: readonly Dim[], kernel: readonly Dim[]): readonly Dim[] {
  const fixed = context.ints("output_shape", []);
  if (fixed.length > 0) return fixed.slice(-sizes.length);
  const padding = context.ints("output_padding", Array(sizes.length).fill(0));
  return windowsOf(context, kernel).map((window, axis) => spread(sizes[axis], window, padding[axis]!));
}

const convolution: Operator = {
  infer: (context) => [{ type: context.input(0).type, shape: convShape(context, context.input(0), context.input(1)) }],
  macs: convMacs(1),
};

const transposed: Operator = {
  infer: (context) => [{ type: context.input(0).type, shape: transposedShape(context) }],
  /** Every input element takes one multiply-accumulate a weight of its input channel. */
  macs: (context) => {
    const size = product([
      ...(context.input(0).shape ?? [undefined]),
      ...(context.input(1).shape?.slice(1) ?? [undefined]),
    ]);
    return isKnown(size) ? size : undefined;
  },
};

const integer: Operator = {
  infer: (context) => [{ type: "int32", shape: convShape(context, context.input(0), context.input(1)) }],
  macs: convMacs(1),
};

/** Inputs: x, its scale and zero point, w, its scale and zero point, the output's scale and zero point, bias. */
const quantised: Operator = {
  infer: (context) => [{ type: context.input(7).type, shape: convShape(context, context.input(0), context.input(3)) }],
  macs: convMacs(3),
};

export const conv: OperatorTable = {
  Conv: convolution,
  ConvTranspose: transposed,
  ConvInteger: integer,
  QLinearConv: quantised,
  DeformConv: convolution,
  "com.microsoft.FusedConv": convolution,
};
