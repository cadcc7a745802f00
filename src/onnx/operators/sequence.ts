import type { Dim } from "../graph.ts";
import { isKnown, product } from "./dims.ts";
import type { CostContext, Operator, OperatorTable } from "./operator.ts";

/**
 * A recurrent layer: x [time, N, in] gives y [time, directions, N, hidden] and the last states.
 *
 * @param states how many last states it returns (an LSTM returns the cell too)
 */
function recurrent(states: number): Operator {
  return {
    infer: (context) => {
      const { type, shape } = context.input(0);
      const hidden = context.int("hidden_size", 0);
      const directions = context.input(1).shape?.[0];
      const batchFirst = context.int("layout", 0) === 1;
      const [time, batch]: readonly Dim[] = batchFirst ? [shape?.[1], shape?.[0]] : [shape?.[0], shape?.[1]];
      const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
      const all = batchFirst ? [batch, time, directions, hidden] : [time, directions, batch, hidden];
      return [{ type, shape: all }, ...Array.from({ length: states }, () => ({ type, shape: last }))];
    },
    macs: recurrentMacs,
  };
}

/** At every step and batch element each weight of both matrices is used once. */
function recurrentMacs(context: CostContext): number | undefined {
  const weights = [1, 2].map((input) => product(context.input(input).shape ?? [undefined]));
  const steps = product(context.input(0).shape?.slice(0, 2) ?? [undefined]);
  return isKnown(steps) && weights.every(isKnown) ? steps * (weights[0]! + weights[1]!) : undefined;
}

/** Query [N, heads, length, depth], or [N, length, heads x depth] with the numbers of heads as attributes. */
const attention: Operator = {
  infer: (context) => {
    const { type, shape } = context.input(0);
    const value = context.input(2).shape;
    if (shape?.length === 4) return [{ type, shape: [...shape.slice(0, 3), value?.[3]] }];
    const heads = context.int("q_num_heads", 1);
    const depth = isKnown(value?.[2]) ? (value[2] / context.int("kv_num_heads", heads)) * heads : undefined;
    return [{ type, shape: [shape?.[0], shape?.[1], depth] }];
  },
  macs: attentionMacs,
};

/** Scores and weighted values: each query element meets each key, each output element too. */
function attentionMacs(context: CostContext): number | undefined {
  const query = product(context.input(0).shape ?? [undefined]);
  const keys = context.input(1).shape?.at(-2);
  const output = context.outputSize;
  return isKnown(query) && isKnown(keys) && output !== undefined ? (query + output) * keys : undefined;
}

const negativeLogLikelihood: Operator = {
  infer: (context) => [
    {
      type: context.input(0).type,
      shape: context.string("reduction", "mean") === "none" ? context.input(1).shape : [],
    },
  ],
};

const softmaxCrossEntropy: Operator = {
  infer: (context) => [
    ...negativeLogLikelihood.infer(context),
    { type: context.input(0).type, shape: context.input(0).shape },
  ],
};

export const sequence: OperatorTable = {
  LSTM: recurrent(2),
  GRU: recurrent(1),
  RNN: recurrent(1),
  Attention: attention,
  RotaryEmbedding: { infer: (context) => [{ type: context.input(0).type, shape: context.input(0).shape }] },
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
