import { UnsupportedOperatorError } from "../../errors.ts";
import {
  type GraphBuilder,
  int64,
  intAttribute,
  intsAttribute,
  sizeOf,
  stringAttribute,
  type Tensor,
} from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

/** The sizes and attributes of a two-dimensional convolution. */
interface Geometry {
  readonly images: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly axes: readonly [Axis, Axis];
}

/** One spatial axis of a convolution. */
interface Axis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBefore: number;
}

const conv: GradientRule = (c) => {
  const geometry = geometryOf(c);
  return [
    () => inputGradient(c, geometry),
    () => weightGradient(c, geometry),
    () => c.b.op("ReduceSum", [c.gradient, c.b.constant(int64([0, 2, 3]))], { keepdims: 0 }),
  ];
};

function geometryOf({ node, inputs, shape }: GradientContext): Geometry {
  if (shape(inputs[0]!).length !== 4) {
    throw new UnsupportedOperatorError(node.op, node.name, "has a gradient for two spatial axes only");
  }
  const padding = stringAttribute(node, "auto_pad", "NOTSET");
  if (padding !== "NOTSET" && padding !== "VALID") {
    throw new UnsupportedOperatorError(
      node.op,
      node.name,
      `has no gradient with auto_pad "${padding}"; write its pads`,
    );
  }
  const [images, inChannels, ...input] = shape(inputs[0]!) as [number, number, number, number];
  const [outChannels, , ...kernel] = shape(inputs[1]!) as [number, number, number, number];
  const output = shape(node.outputs[0]!).slice(2);
  const strides = intsAttribute(node, "strides", [1, 1]);
  const dilations = intsAttribute(node, "dilations", [1, 1]);
  const pads = intsAttribute(node, "pads", [0, 0, 0, 0]);
  const axis = (i: 0 | 1): Axis => ({
    input: input[i],
    output: output[i]!,
    kernel: kernel[i],
    stride: strides[i]!,
    dilation: dilations[i]!,
    padBefore: pads[i]!,
  });
  return { images, inChannels, outChannels, groups: intAttribute(node, "group", 1), axes: [axis(0), axis(1)] };
}

// --- by the input ---------------------------------------------------------------------------------------------------

/**
 * The transposed convolution. At stride 1 it is a convolution with the kernel turned by 180 degrees, and Conv is the faster
 * operator, by far with groups; at larger strides ConvTranspose is (1.3 to 1.9 times, against one convolution for all phases
 * of the stride).
 */
function inputGradient(c: GradientContext, geometry: Geometry): string {
  const { axes, groups, inChannels, outChannels } = geometry;
  const before = axes.map(({ kernel, dilation, padBefore }) => (kernel - 1) * dilation - padBefore);
  const after = axes.map(({ input, output, padBefore }) => input - output + padBefore);
  const plain = axes.every(({ stride }) => stride === 1) && [...before, ...after].every((pad) => pad >= 0);
  if (!plain) return transposed(c, geometry);
  const kernel = axes.map((axis) => axis.kernel);
  const turned = c.declare(turnedKernel(c, geometry), [inChannels, outChannels / groups, ...kernel]);
  return c.b.op("Conv", [c.gradient, turned], {
    kernel_shape: kernel,
    dilations: axes.map((axis) => axis.dilation),
    pads: [...before, ...after],
    group: groups,
  });
}

/** The kernel [O, I / groups, kh, kw] as [I, O / groups, kh, kw], turned by 180 degrees. */
function turnedKernel({ b, inputs }: GradientContext, { inChannels, outChannels, groups, axes }: Geometry): string {
  const kernel = axes.map((axis) => axis.kernel);
  const area = sizeOf(kernel);
  const [from, to] = [inChannels / groups, outChannels / groups];
  const split = b.op("Reshape", [inputs[1]!, b.constant(int64([groups, to, from, area]))]);
  const swapped = from === 1 && to === 1 ? split : b.op("Transpose", [split], { perm: [0, 2, 1, 3] });
  const backwards = int32(range(area).map((tap) => area - 1 - tap));
  const turned = area === 1 ? swapped : b.op("Gather", [swapped, b.constant(backwards)], { axis: 3 });
  return b.op("Reshape", [turned, b.constant(int64([inChannels, to, ...kernel]))]);
}

/** ConvTranspose, which takes every stride, dilation, padding and grouping. */
function transposed({ b, gradient, inputs }: GradientContext, { axes, groups }: Geometry): string {
  const full = axes.map(({ output, stride, kernel, dilation }) => (output - 1) * stride + (kernel - 1) * dilation + 1);
  const extra = axes.map(({ input, padBefore }, i) => input - (full[i]! - padBefore));
  return b.op("ConvTranspose", [gradient, inputs[1]!], {
    strides: axes.map((axis) => axis.stride),
    dilations: axes.map((axis) => axis.dilation),
    kernel_shape: axes.map((axis) => axis.kernel),
    pads: [axes[0].padBefore, axes[1].padBefore, ...extra.map((size) => Math.max(0, -size))],
    output_padding: extra.map((size) => Math.max(0, size)),
    group: groups,
  });
}

// --- by the weights -------------------------------------------------------------------------------------------------

/** Elements of one im2col: 8 MiB. */
const columnElements = 2 ** 21;

/** Output rows `from` to `to`, the latter not included. */
interface Band {
  readonly from: number;
  readonly to: number;
}

/**
 * `col * dY'`, where row (channel, tap) of `col` holds the pixels that this tap sees: an im2col with the images innermost,
 * so that one Gather copies runs of a whole batch, and one product sums over all pixels of all images at once. Bands of
 * output rows follow each other, so that the im2col of a band is all that is held.
 */
function weightGradient(c: GradientContext, geometry: Geometry): string {
  const { b } = c;
  const { images, outChannels, groups, axes } = geometry;
  const [height, width] = [axes[0].output, axes[1].output];
  const gradient = imagesInnermost(b, c.gradient, images, outChannels * height * width);
  const rows = b.op("Reshape", [gradient, b.constant(int64([outChannels, height, width * images]))]);
  const pixels = inputPixels(c, geometry);
  const products = bandsOf(geometry).map((band) => {
    const part = band.to - band.from === height ? rows : bandOf(b, rows, band);
    return bandProduct(b, geometry, columns(b, pixels, geometry, band), part, band);
  });
  const sum = products.reduce((left, right) => b.op("Add", [left, right]));
  const perm = groups === 1 ? [1, 0] : [0, 2, 1];
  return b.op("Reshape", [b.op("Transpose", [sum], { perm }), b.constant(int64(c.shape(c.inputs[1]!)))]);
}

function bandsOf(geometry: Geometry): Band[] {
  const { images, inChannels, axes } = geometry;
  const height = axes[0].output;
  if (isPointwise(geometry)) return [{ from: 0, to: height }];
  const perRow = inChannels * axes[0].kernel * axes[1].kernel * axes[1].output * images;
  const rows = Math.max(1, Math.floor(columnElements / perRow));
  return range(Math.ceil(height / rows)).map((i) => ({ from: i * rows, to: Math.min(height, (i + 1) * rows) }));
}

/** Whether the im2col is the input itself. */
const isPointwise = ({ axes }: Geometry): boolean =>
  axes.every(({ kernel, stride, input, output }) => kernel === 1 && stride === 1 && input === output);

const bandOf = (b: GraphBuilder, rows: string, { from, to }: Band): string =>
  b.op("Slice", [rows, ...[from, to, 1].map((value) => b.constant(int64([value])))]);

/** [(channel, tap), output channel] of a band; with groups a matrix for each. */
function bandProduct(b: GraphBuilder, geometry: Geometry, columns: string, rows: string, { from, to }: Band): string {
  const { images, inChannels, outChannels, groups, axes } = geometry;
  const positions = (to - from) * axes[1].output * images;
  const perGroup = (inChannels / groups) * axes[0].kernel * axes[1].kernel;
  const shaped = (value: string, dims: readonly number[]): string => b.op("Reshape", [value, b.constant(int64(dims))]);
  if (groups === 1) {
    return b.op("Gemm", [shaped(columns, [perGroup, positions]), shaped(rows, [outChannels, positions])], {
      transB: 1,
    });
  }
  const outPerGroup = outChannels / groups;
  const upright =
    outPerGroup === 1
      ? shaped(rows, [groups, positions, 1])
      : b.op("Transpose", [shaped(rows, [groups, outPerGroup, positions])], { perm: [0, 2, 1] });
  return b.op("MatMul", [shaped(columns, [groups, perGroup, positions]), upright]);
}

/** [pixel, image] of the convolution's input, and a row of zeros after them where there is padding. */
function inputPixels({ b, inputs }: GradientContext, geometry: Geometry): string {
  const { images, inChannels, axes } = geometry;
  const pixels = inChannels * axes[0].input * axes[1].input;
  const flat = imagesInnermost(b, inputs[0]!, images, pixels);
  if (isPointwise(geometry)) return flat;
  return b.op("Concat", [flat, b.constant(zeros([1, images]), "zero")], { axis: 0 });
}

/** [channel, tap, output pixel, image] of a band, flat. */
function columns(b: GraphBuilder, pixels: string, geometry: Geometry, band: Band): string {
  if (isPointwise(geometry)) return pixels;
  const indices = patchIndices(geometry.inChannels, geometry.axes, band);
  return b.op("Gather", [pixels, b.constant(int32(indices))], { axis: 0 });
}

/** For each (channel, tap, output pixel) the input pixel it reads; the index after the last pixel where that is padding. */
function patchIndices(channels: number, [y, x]: readonly [Axis, Axis], { from, to }: Band): number[] {
  const source = (axis: Axis, tap: number, output: number): number => {
    const position = output * axis.stride + tap * axis.dilation - axis.padBefore;
    return position >= 0 && position < axis.input ? position : -1;
  };
  const padding = channels * y.input * x.input;
  const indices: number[] = [];
  for (let channel = 0; channel < channels; channel++)
    for (let ky = 0; ky < y.kernel; ky++)
      for (let kx = 0; kx < x.kernel; kx++)
        for (let oy = from; oy < to; oy++)
          for (let ox = 0; ox < x.output; ox++) {
            const [row, column] = [source(y, ky, oy), source(x, kx, ox)];
            indices.push(row < 0 || column < 0 ? padding : (channel * y.input + row) * x.input + column);
          }
  return indices;
}

/** [image, rest] as [rest, image]. */
function imagesInnermost(b: GraphBuilder, value: string, images: number, rest: number): string {
  return b.op("Transpose", [b.op("Reshape", [value, b.constant(int64([images, rest]))])], { perm: [1, 0] });
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

const zeros = (dims: readonly number[]): Tensor => ({ type: "float32", dims, data: new Float32Array(sizeOf(dims)) });

const int32 = (values: readonly number[], dims: readonly number[] = [values.length]): Tensor => ({
  type: "int32",
  dims,
  data: Int32Array.from(values),
});

export const convRules: Record<string, GradientRule> = { Conv: conv };
