import type { Dim, Shape } from "../graph.ts";
import { isKnown, unknownDims, withDim } from "./dims.ts";
import { copyElements } from "./elements.ts";
import { type NodeContext, type Operator, type OperatorTable, sameAsInput } from "./operator.ts";

const gather: Operator = {
  infer: (context) => {
    const data = context.input(0);
    const indices = context.input(1);
    if (data.shape === undefined || indices.shape === undefined) return [{ type: data.type, shape: undefined }];
    const axis = context.axis(context.int("axis", 0), data.shape.length);
    const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
    return [{ type: data.type, shape, elements: gatherElements(context, axis, shape) }];
  },
};

function gatherElements(context: NodeContext, axis: number, shape: readonly Dim[]): readonly Dim[] | undefined {
  const indices = context.integers(1);
  const data = context.input(0);
  const rank = context.input(1).shape!.length;
  const size = data.shape?.[axis];
  if (indices === undefined || rank > 1 || !isKnown(size)) return undefined;
  return copyElements(data, shape, (index) => {
    const at = indices[rank === 0 ? 0 : index[axis]!]!;
    return [...index.slice(0, axis), at < 0 ? at + size : at, ...index.slice(axis + rank)];
  });
}

const gatherElementsOperator: Operator = {
  infer: (context) => [{ type: context.input(0).type, shape: context.input(1).shape }],
};

const gatherNd: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const indices = context.input(1).shape;
    const depth = indices?.at(-1);
    if (shape === undefined || indices === undefined || !isKnown(depth)) return [{ type, shape: undefined }];
    const batchDims = context.int("batch_dims", 0);
    return [{ type, shape: [...indices.slice(0, -1), ...shape.slice(batchDims + depth)] }];
  },
};

/** The k largest of an axis: their values and their indices. */
const topK: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const k = context.optional(1)?.elements?.[0];
    const top = shape && withDim(shape, context.axis(context.int("axis", -1), shape.length), k);
    return [
      { type, shape: top },
      { type: "int64", shape: top },
    ];
  },
};

const oneHot: Operator = {
  infer: (context) => {
    const { shape } = context.input(0);
    const { type } = context.input(2);
    if (shape === undefined) return [{ type, shape }];
    const axis = context.axis(context.int("axis", -1), shape.length + 1);
    return [{ type, shape: shape.toSpliced(axis, 0, context.input(1).elements?.[0]) }];
  },
};

const nonZero: Operator = {
  infer: (context) => [{ type: "int64", shape: [context.rank(0), undefined] }],
};

const compress: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    return [{ type, shape: context.has("axis") ? compressedShape(context, shape) : [undefined] }];
  },
};

const compressedShape = (context: NodeContext, shape: Shape): Shape =>
  shape && withDim(shape, context.axis(context.int("axis", 0), shape.length), undefined);

/** Unique elements, or slices of an axis, with first indices, inverse indices and counts. */
const unique: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const indices = { type: "int64", shape: unknownDims(1) } as const;
    const whole = context.has("axis") ? compressedShape(context, shape) : unknownDims(1);
    return [{ type, shape: whole }, indices, indices, indices];
  },
};

/** Boxes chosen by score, as [count, (batch, class, box)]. */
const nonMaxSuppression: Operator = { infer: () => [{ type: "int64", shape: [undefined, 3] }] };

export const indexing: OperatorTable = {
  Gather: gather,
  GatherElements: gatherElementsOperator,
  GatherND: gatherNd,
  ScatterElements: sameAsInput,
  ScatterND: sameAsInput,
  Scatter: sameAsInput,
  TensorScatter: sameAsInput,
  ReverseSequence: sameAsInput,
  TopK: topK,
  OneHot: oneHot,
  NonZero: nonZero,
  Compress: compress,
  Unique: unique,
  NonMaxSuppression: nonMaxSuppression,
};
