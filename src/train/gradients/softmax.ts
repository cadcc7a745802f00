import { int64, intAttribute } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

const sumOver = ({ b, node }: GradientContext, value: string): string =>
  b.op("ReduceSum", [value, b.constant(int64([intAttribute(node, "axis", -1)]))], { keepdims: 1 });

export const softmaxRules: Record<string, GradientRule> = {
  /** dx = y (g - sum(g y)) */
  Softmax: (c) => [
    () => {
      const y = c.node.outputs[0]!;
      const inner = sumOver(c, c.b.op("Mul", [c.gradient, y]));
      return c.b.op("Mul", [y, c.b.op("Sub", [c.gradient, inner])]);
    },
  ],
  /** dx = g - exp(y) sum(g) */
  LogSoftmax: (c) => [
    () => {
      const probabilities = c.b.op("Exp", [c.node.outputs[0]!]);
      return c.b.op("Sub", [c.gradient, c.b.op("Mul", [probabilities, sumOver(c, c.gradient)])]);
    },
  ],
};
