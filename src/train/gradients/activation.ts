import { scalar } from "../../onnx/index.ts";
import type { GradientRule } from "../differentiate.ts";

export const activationRules: Record<string, GradientRule> = {
  Relu: ({ b, gradient, node }) => [
    () => {
      const positive = b.op("Greater", [node.outputs[0]!, b.constant(scalar(0), "zero")]);
      return b.op("Mul", [gradient, b.op("Cast", [positive], { to: 1 })]);
    },
  ],
};
