import { int64, scalar } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

/** The gradient spread over the reduced axes. */
function spread({ b, inputs, node, shape }: GradientContext, gradient: string): string {
  const from = shape(inputs[0]!);
  const kept = keptShape(from, shape(node.outputs[0]!));
  return b.op("Expand", [b.op("Reshape", [gradient, b.constant(int64(kept))]), b.constant(int64(from))]);
}

/** The output's shape with a 1 for each reduced axis, whatever `keepdims` says. */
function keptShape(from: readonly number[], to: readonly number[]): readonly number[] {
  if (from.length === to.length) return to;
  const remaining = [...to];
  return from.map((size) => (remaining[0] === size ? remaining.shift()! : 1));
}

export const reduceRules: Record<string, GradientRule> = {
  ReduceSum: (c) => [() => spread(c, c.gradient)],
  ReduceMean: (c) => [
    () => {
      const size = (value: string): number => c.shape(value).reduce((product, dim) => product * dim, 1);
      const share = size(c.node.outputs[0]!) / size(c.inputs[0]!);
      return spread(c, c.b.op("Mul", [c.gradient, c.b.constant(scalar(share))]));
    },
  ],
};
