import type { Dim, Shape } from "../graph.ts";
import { isKnown, unknownDims } from "./dims.ts";
import type { NodeContext, Operator, OperatorTable } from "./operator.ts";

/** Inputs: data, region, scales, sizes; of the last two one is given. */
function resizedShape(context: NodeContext): Shape {
  const { shape } = context.input(0);
  if (shape === undefined) return undefined;
  const axes = context.ints("axes", [...shape.keys()]).map((axis) => context.axis(axis, shape.length));
  const sizes = given(context, 3);
  const scales = given(context, 2);
  if (sizes === undefined && scales === undefined) return unknownDims(shape.length);
  const fit = sizes === undefined ? undefined : fitted(context, shape, axes, sizes);
  return shape.map((dim, axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return dim;
    return fit === undefined ? scaled(dim, scales![at]) : fit[at];
  });
}

/** An empty tensor stands for an omitted one. */
function given(context: NodeContext, input: number): readonly Dim[] | undefined {
  const elements = context.optional(input)?.elements;
  return elements?.length ? elements : undefined;
}

const scaled = (size: Dim, scale: Dim): Dim =>
  scale === 1 ? size : isKnown(size) && isKnown(scale) ? Math.floor(size * scale) : undefined;

/** The sizes asked for, made to keep the aspect ratio where the node says so. */
function fitted(
  context: NodeContext,
  shape: readonly Dim[],
  axes: readonly number[],
  sizes: readonly Dim[],
): readonly Dim[] {
  const policy = context.string("keep_aspect_ratio_policy", "stretch");
  if (policy === "stretch") return sizes;
  const old = axes.map((axis) => shape[axis]);
  if (!old.every(isKnown) || !sizes.every(isKnown)) return unknownDims(sizes.length);
  const ratios = sizes.map((size, at) => size / old[at]!);
  const scale = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  return old.map((size) => Math.floor(size * scale + 0.5));
}

/** [N, C, ...] sampled at a grid of [N, ..., rank]. */
const gridSample: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const grid = context.input(1).shape;
    return [{ type, shape: shape && grid && [shape[0], shape[1], ...grid.slice(1, -1)] }];
  },
};

/** A grid of [N, ..., rank] for an image size of [N, C, ...]. */
const affineGrid: Operator = {
  infer: (context) => {
    const size = context.input(1).elements;
    return [{ type: context.input(0).type, shape: size && [size[0], ...size.slice(2), size.length - 2] }];
  },
};

const centerCropPad: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const sizes = context.input(1).elements;
    if (shape === undefined) return [{ type, shape }];
    const axes = context.ints("axes", [...shape.keys()]).map((axis) => context.axis(axis, shape.length));
    return [{ type, shape: shape.map((dim, axis) => (axes.includes(axis) ? sizes?.[axes.indexOf(axis)] : dim)) }];
  },
};

/** Columns [N, C x block, L] back to images [N, C, ...]. */
const col2Im: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const [size, block] = [context.input(1).elements, context.integers(2)];
    const area = block?.reduce((a, b) => a * b, 1);
    const channels = isKnown(shape?.[1]) && area !== undefined ? shape[1] / area : undefined;
    return [{ type, shape: size && [shape?.[0], channels, ...size] }];
  },
};

export const resize: OperatorTable = {
  Resize: { infer: (context) => [{ type: context.input(0).type, shape: resizedShape(context) }] },
  GridSample: gridSample,
  AffineGrid: affineGrid,
  CenterCropPad: centerCropPad,
  Col2Im: col2Im,
};
