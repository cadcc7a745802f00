import type { Dim, Shape } from "../graph.ts";
import { broadcast, isKnown, product, quotient, shapeText, unknownDims, withDim } from "./dims.ts";
import { broadcastElements, copyElements } from "./elements.ts";
import type { Inferred, NodeContext, Operator, OperatorTable } from "./operator.ts";

/** Operators that keep the elements in order and change the shape only. */
function viewed(shape: (context: NodeContext) => Shape): Operator {
  return {
    infer: (context) => {
      const { type, elements } = context.input(0);
      return [{ type, shape: shape(context), elements }];
    },
  };
}

function reshapeShape(context: NodeContext): Shape {
  const { shape: from } = context.input(0);
  const target = context.input(1);
  if (target.elements === undefined) return unknownRank(target);
  const copiesZero = context.int("allowzero", 0) === 0;
  const copied = target.elements.flatMap((dim, axis) => (dim === 0 && copiesZero ? [axis] : []));
  const dims = target.elements.map((dim, axis) => (copied.includes(axis) ? from?.[axis] : dim));
  return solveOpenDim(context, from, dims, copied);
}

const unknownRank = (target: Inferred): Shape => {
  const rank = target.shape?.[0];
  return isKnown(rank) ? unknownDims(rank) : undefined;
};

/** Fills the one size that is -1 or unknown from the number of elements; copied axes cancel even where unknown. */
function solveOpenDim(context: NodeContext, from: Shape, dims: readonly Dim[], copied: readonly number[]): Shape {
  const open = dims.flatMap((dim, axis) => ((dim === -1 || dim === undefined) && !copied.includes(axis) ? [axis] : []));
  if (from === undefined || open.length > 1) return dims.map((dim) => (dim === -1 ? undefined : dim));
  const rest = (shape: readonly Dim[]): Dim[] => shape.filter((_, axis) => !copied.includes(axis));
  const fixed = dims.filter((_, axis) => !copied.includes(axis) && axis !== open[0]);
  const size = quotient(rest(from), fixed);
  const misfit = open.length === 0 ? isKnown(size) && size !== 1 : size === undefined;
  if (misfit && [...from, ...fixed].every(isKnown) && !fixed.includes(0)) {
    context.fail(`cannot reshape ${shapeText(from)} to ${shapeText(dims)}`);
  }
  return open.length === 0 ? dims : withDim(dims, open[0]!, size);
}

function flattenShape(context: NodeContext): Shape {
  const { shape } = context.input(0);
  if (shape === undefined) return unknownDims(2);
  const axis = context.int("axis", 1);
  const split = axis < 0 ? axis + shape.length : axis;
  return [product(shape.slice(0, split)), product(shape.slice(split))];
}

function squeezeShape(context: NodeContext): Shape {
  const { shape } = context.input(0);
  if (shape === undefined) return undefined;
  const axes = context.axes("axes", 1);
  if (axes === undefined) return context.optional(1) === undefined ? shape.filter((dim) => dim !== 1) : undefined;
  const dropped = axes.map((axis) => context.axis(axis, shape.length));
  return shape.filter((_, axis) => !dropped.includes(axis));
}

function unsqueezeShape(context: NodeContext): Shape {
  const { shape } = context.input(0);
  const axes = context.axes("axes", 1);
  if (shape === undefined || axes === undefined) return undefined;
  const rank = shape.length + axes.length;
  const added = axes.map((axis) => context.axis(axis, rank));
  const kept = [...shape];
  return Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : kept.shift()));
}

const transpose: Operator = {
  infer: (context) => {
    const input = context.input(0);
    if (input.shape === undefined) return [{ type: input.type, shape: undefined }];
    const order = context.ints("perm", [...input.shape.keys()].toReversed());
    const shape = order.map((axis) => input.shape![axis]);
    const elements = copyElements(input, shape, (index) => input.shape!.map((_, axis) => index[order.indexOf(axis)]!));
    return [{ type: input.type, shape, elements }];
  },
};

const expand: Operator = {
  infer: (context) => {
    const input = context.input(0);
    const target = context.input(1);
    const shape = target.elements === undefined ? undefined : broadcast([input.shape, target.elements]);
    return [{ type: input.type, shape, elements: broadcastElements(input, shape) }];
  },
};

const shapeOf: Operator = {
  infer: (context) => {
    const { shape } = context.input(0);
    const rank = shape?.length ?? 0;
    const clamp = (axis: number): number => Math.min(rank, Math.max(0, axis < 0 ? axis + rank : axis));
    const elements = shape?.slice(clamp(context.int("start", 0)), clamp(context.int("end", rank)));
    return [{ type: "int64", shape: [elements?.length], elements }];
  },
};

const size: Operator = {
  infer: (context) => {
    const { shape } = context.input(0);
    return [{ type: "int64", shape: [], elements: [shape && product(shape)] }];
  },
};

/** [N, C, H, W] with blocks of the channels moved into space, or back. */
function blocks(inSpace: (size: number, block: number) => number, inChannels: typeof inSpace): Operator {
  return {
    infer: (context) => {
      const { type, shape } = context.input(0);
      if (shape === undefined) return [{ type, shape }];
      const block = context.int("blocksize", 1);
      const [n, c, h, w] = shape;
      const apply = (dim: Dim, change: typeof inSpace): Dim => (isKnown(dim) ? change(dim, block) : undefined);
      return [{ type, shape: [n, apply(c, inChannels), apply(h, inSpace), apply(w, inSpace)] }];
    },
  };
}

export const reshape: OperatorTable = {
  Reshape: viewed(reshapeShape),
  Flatten: viewed(flattenShape),
  Squeeze: viewed(squeezeShape),
  Unsqueeze: viewed(unsqueezeShape),
  Identity: viewed((context) => context.input(0).shape),
  Transpose: transpose,
  Expand: expand,
  Shape: shapeOf,
  Size: size,
  DepthToSpace: blocks(
    (size, block) => size * block,
    (size, block) => size / block ** 2,
  ),
  SpaceToDepth: blocks(
    (size, block) => size / block,
    (size, block) => size * block ** 2,
  ),
};
