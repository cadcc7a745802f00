import { UnsupportedOperatorError } from "../../errors.ts";
import { float32, int64, intAttribute, intsAttribute, type Node, scalar, sizeOf } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

const globalAverage: GradientRule = ({ b, gradient, inputs, shape }) => [
  () => {
    const dims = shape(inputs[0]!);
    const share = b.op("Mul", [gradient, b.constant(scalar(1 / sizeOf(dims.slice(2))))]);
    return b.op("Expand", [share, b.constant(int64(dims))]);
  },
];

/** Each gradient is added where its maximum stood. */
const max: GradientRule = ({ b, gradient, inputs, node, shape }) => [
  () => {
    const dims = shape(inputs[0]!);
    const flat = b.constant(int64([-1]));
    const [, positions] = b.ops("MaxPool", [inputs[0]!], 2, Object.fromEntries(node.attributes));
    const zeros = b.op("ConstantOfShape", [b.constant(int64([sizeOf(dims)]))]);
    const sum = b.op(
      "ScatterElements",
      [zeros, b.op("Reshape", [positions!, flat]), b.op("Reshape", [gradient, flat])],
      { axis: 0, reduction: "add" },
    );
    return b.op("Reshape", [sum, b.constant(int64(dims))]);
  },
];

/** Each gradient, divided by its window's size, is added over its window: a transposed convolution with ones. */
const average: GradientRule = (c) => [
  () => {
    const { b, gradient, inputs, node, shape } = c;
    const [images, channels, height, width] = shape(inputs[0]!) as [number, number, number, number];
    const [rows, columns] = shape(node.outputs[0]!).slice(2) as [number, number];
    const { kernel, strides, pads } = windowOf(node);
    const sizes = windowSizes(c);
    const shares = b.op("Div", [gradient, b.constant(float32(sizes, [1, 1, rows, columns]))]);
    const single = b.op("Reshape", [shares, b.constant(int64([images * channels, 1, rows, columns]))]);
    const ones = b.constant(float32(new Float32Array(sizeOf(kernel)).fill(1), [1, 1, ...kernel]));
    const reach = [rows, columns].map((size, i) => (size - 1) * strides[i]! + kernel[i]!);
    const extra = [height, width].map((size, i) => size + pads[i]! - reach[i]!);
    const spread = b.op("ConvTranspose", [single, ones], {
      strides,
      kernel_shape: kernel,
      pads: [...pads.slice(0, 2), ...extra.map((size) => Math.max(0, -size))],
      output_padding: extra.map((size) => Math.max(0, size)),
    });
    return b.op("Reshape", [spread, b.constant(int64([images, channels, height, width]))]);
  },
];

interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
}

function windowOf(node: Node): Window {
  const kernel = intsAttribute(node, "kernel_shape", []);
  const refuse = (problem: string) => new UnsupportedOperatorError(node.op, node.name, problem);
  if (kernel.length !== 2) throw refuse(`has no gradient for ${kernel.length} spatial axes; only for 2`);
  if (intsAttribute(node, "dilations", [1, 1]).some((dilation) => dilation !== 1)) {
    throw refuse("has no gradient with dilations");
  }
  if (intAttribute(node, "ceil_mode", 0) === 1) throw refuse("has no gradient in ceil_mode");
  return { kernel, strides: intsAttribute(node, "strides", [1, 1]), pads: intsAttribute(node, "pads", [0, 0, 0, 0]) };
}

/** How many pixels each output is the mean of: fewer at a border whose padding does not count. */
function windowSizes({ node, inputs, shape }: GradientContext): number[] {
  const { kernel, strides, pads } = windowOf(node);
  const countsPadding = intAttribute(node, "count_include_pad", 0) === 1;
  const input = shape(inputs[0]!).slice(2);
  const along = (axis: number): number[] =>
    Array.from({ length: shape(node.outputs[0]!)[axis + 2]! }, (_, i) => {
      const start = i * strides[axis]! - pads[axis]!;
      const inside = Math.min(start + kernel[axis]!, input[axis]!) - Math.max(start, 0);
      return countsPadding ? kernel[axis]! : inside;
    });
  const columns = along(1);
  return along(0).flatMap((height) => columns.map((width) => height * width));
}

export const poolRules: Record<string, GradientRule> = {
  GlobalAveragePool: globalAverage,
  MaxPool: max,
  AveragePool: average,
};
