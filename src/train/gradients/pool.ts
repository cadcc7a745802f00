import { int64, scalar } from "../../onnx/index.ts";
import type { GradientRule } from "../differentiate.ts";

export const poolRules: Record<string, GradientRule> = {
  GlobalAveragePool: ({ b, gradient, inputs, shape }) => [
    () => {
      const dims = shape(inputs[0]!);
      const pixels = dims.slice(2).reduce((product, size) => product * size, 1);
      return b.op("Expand", [b.op("Mul", [gradient, b.constant(scalar(1 / pixels))]), b.constant(int64(dims))]);
    },
  ],
};
