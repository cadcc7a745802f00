import type { Dim, Shape } from "../graph.ts";
import { isKnown, mergeDim, shapeText, unknownDims, withDim } from "./dims.ts";
import { copyElements } from "./elements.ts";
import type { Inferred, NodeContext, Operator, OperatorTable } from "./operator.ts";

const concat: Operator = {
  infer: (context) => {
    const inputs = context.given;
    const shape = concatShape(context, inputs);
    const whole = inputs.every((input) => input.elements !== undefined) && shape?.length === 1;
    return [{ type: context.input(0).type, shape, elements: whole ? inputs.flatMap((i) => i.elements!) : undefined }];
  },
};

function concatShape(context: NodeContext, inputs: readonly Inferred[]): Shape {
  const shapes = inputs.map((input) => input.shape);
  const first = shapes.find((shape) => shape !== undefined);
  if (first === undefined) return undefined;
  const joined = context.axis(context.int("axis", 1), first.length);
  if (shapes.some((shape) => shape !== undefined && shape.length !== first.length)) {
    context.fail(`cannot join ${shapes.map(shapeText).join(", ")}`);
  }
  return first.map((_, axis) => {
    const sizes = shapes.map((shape) => shape?.[axis]);
    if (axis !== joined) return commonSize(context, sizes);
    return sizes.every(isKnown) ? sizes.reduce((a, b) => a + b, 0) : undefined;
  });
}

function commonSize(context: NodeContext, sizes: readonly Dim[]): Dim {
  const known = sizes.filter(isKnown);
  if (known.some((size) => size !== known[0]))
    context.fail(`sizes ${known.join(" and ")} differ on an axis not joined`);
  return sizes.reduce(mergeDim);
}

const split: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const count = context.node.outputs.length;
    if (shape === undefined) return Array.from({ length: count }, () => ({ type, shape }));
    const axis = context.axis(context.int("axis", 0), shape.length);
    return splitSizes(context, shape[axis], count).map((size) => ({ type, shape: withDim(shape, axis, size) }));
  },
};

/** Sizes as written, else equal ones of which the last may be smaller. */
function splitSizes(context: NodeContext, size: Dim, count: number): readonly Dim[] {
  const written = context.axes("split", 1);
  if (written !== undefined) return written;
  if (context.optional(1) !== undefined || !isKnown(size)) return unknownDims(count);
  const chunk = Math.ceil(size / count);
  return Array.from({ length: count }, (_, at) => Math.min(chunk, size - chunk * at));
}

/** What a Slice takes along each axis it names. */
interface Range {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function sliceRanges(context: NodeContext, shape: readonly Dim[]): (Range | undefined)[] | undefined {
  const axisCount = context.input(1).shape?.[0];
  const axes =
    context.integers(3) ??
    (context.optional(3) === undefined && isKnown(axisCount) ? [...Array(axisCount).keys()] : undefined);
  if (axes === undefined) return undefined;
  const steps = context.integers(4) ?? (context.optional(4) === undefined ? axes.map(() => 1) : []);
  const [starts, ends] = [context.input(1).elements ?? [], context.input(2).elements ?? []];
  return axes.map((axis, at) => {
    const [start, end, step] = [starts[at], ends[at], steps[at]];
    const positive = context.axis(axis, shape.length);
    return isKnown(start) && isKnown(end) && isKnown(step) ? { axis: positive, start, end, step } : undefined;
  });
}

/** First index and count of a range over an axis of `size`, as NumPy counts. */
function clampRange(range: Range, size: number): { first: number; count: number } {
  const lowest = range.step > 0 ? 0 : -1;
  const clamp = (at: number): number =>
    Math.min(range.step > 0 ? size : size - 1, Math.max(lowest, at < 0 ? at + size : at));
  const first = clamp(range.start);
  return { first, count: Math.max(0, Math.ceil((clamp(range.end) - first) / range.step)) };
}

const slice: Operator = {
  infer: (context) => {
    const input = context.input(0);
    const { type, shape } = input;
    if (shape === undefined) return [{ type, shape }];
    const ranges = sliceRanges(context, shape);
    if (ranges === undefined) return [{ type, shape: unknownDims(shape.length) }];
    return [{ type, shape: slicedShape(context, shape, ranges), elements: slicedElements(input, ranges) }];
  },
};

function slicedShape(context: NodeContext, shape: readonly Dim[], ranges: readonly (Range | undefined)[]): Shape {
  const axes = context.integers(3);
  const dims = [...shape];
  for (const [at, range] of ranges.entries()) {
    const axis = range?.axis ?? context.axis(axes?.[at] ?? at, shape.length);
    dims[axis] = range === undefined ? undefined : slicedSize(shape[axis], range);
  }
  return dims;
}

/** A symbolic size survives a slice that takes all of it. */
function slicedSize(size: Dim, range: Range): Dim {
  if (isKnown(size)) return clampRange(range, size).count;
  return range.start === 0 && range.step === 1 && range.end >= 2 ** 31 - 1 ? size : undefined;
}

function slicedElements(input: Inferred, ranges: readonly (Range | undefined)[]): readonly Dim[] | undefined {
  const { shape } = input;
  if (!shape?.every(isKnown) || !ranges.every((range) => range !== undefined)) return undefined;
  const taken = shape.map((size, axis) => {
    const range = ranges.find((range) => range.axis === axis);
    return range === undefined ? { first: 0, count: size, step: 1 } : { ...clampRange(range, size), step: range.step };
  });
  const counts = taken.map(({ count }) => count);
  return copyElements(input, counts, (index) => index.map((at, axis) => taken[axis]!.first + at * taken[axis]!.step));
}

const pad: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    if (shape === undefined) return [{ type, shape }];
    const pads = context.axes("pads", 1);
    const axes = context.integers(3) ?? (context.optional(3) === undefined ? [...shape.keys()] : undefined);
    if (pads === undefined || axes === undefined) return [{ type, shape: unknownDims(shape.length) }];
    if (pads.length !== 2 * axes.length) context.fail(`${pads.length} pads do not fit ${axes.length} axes`);
    const dims = [...shape];
    for (const [at, axis] of axes.map((axis) => context.axis(axis, shape.length)).entries()) {
      dims[axis] = grown(dims[axis], pads[at]! + pads[at + axes.length]!);
    }
    return [{ type, shape: dims }];
  },
};

const grown = (size: Dim, by: number): Dim => (by === 0 ? size : isKnown(size) ? size + by : undefined);

const tile: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const repeats = context.integers(1);
    if (repeats === undefined) return [{ type, shape: shape && unknownDims(shape.length) }];
    return [{ type, shape: shape?.map((dim, axis) => times(dim, repeats[axis]!)) }];
  },
};

const times = (size: Dim, by: number): Dim => (by === 1 ? size : isKnown(size) ? size * by : undefined);

export const slicing: OperatorTable = { Concat: concat, Split: split, Slice: slice, Pad: pad, Tile: tile };
