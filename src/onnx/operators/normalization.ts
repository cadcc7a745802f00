import type { NodeContext, Operator, OperatorTable } from "./operator.ts";
import { type Inferred, sameAsInput } from "./operator.ts";

/** In training mode it also returns the running mean and variance. */
const batchNormalization: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const statistics = { type: context.input(3).type, shape: [shape?.[1]] };
    return [{ type, shape }, ...Array.from({ length: 4 }, () => statistics)];
  },
};

/** The statistics of a layer normalization, with the normalized axes reduced to 1. */
function statistics(context: NodeContext): Inferred {
  const { shape } = context.input(0);
  const from = shape && context.axis(context.int("axis", -1), shape.length);
  return { type: "float32", shape: shape?.map((dim, axis) => (axis < from! ? dim : 1)) };
}

const layerNormalization: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    return [{ type, shape }, statistics(context), statistics(context)];
  },
};

/** The mask beside the output keeps its shape. */
const dropout: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    return [
      { type, shape },
      { type: "bool", shape },
    ];
  },
};

export const normalization: OperatorTable = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  "com.microsoft.SkipLayerNormalization": layerNormalization,
  RMSNormalization: sameAsInput,
  InstanceNormalization: sameAsInput,
  GroupNormalization: sameAsInput,
  LpNormalization: sameAsInput,
  MeanVarianceNormalization: sameAsInput,
  LRN: sameAsInput,
  Dropout: dropout,
};
