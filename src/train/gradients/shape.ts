import { type GraphBuilder, int64, intsAttribute } from "../../onnx/index.ts";
import type { GradientRule } from "../differentiate.ts";

const reshape = (b: GraphBuilder, value: string, shape: readonly number[]): string =>
  b.op("Reshape", [value, b.constant(int64(shape))]);

/** Operators that only rename the axes of the same elements in the same order. */
const relabel: GradientRule = ({ b, gradient, inputs, shape }) => [() => reshape(b, gradient, shape(inputs[0]!))];

export const shapeRules: Record<string, GradientRule> = {
  Reshape: relabel,
  Flatten: relabel,
  Squeeze: relabel,
  Unsqueeze: relabel,
  Transpose: ({ b, gradient, inputs, node, shape }) => [
    () => {
      const reversed = shape(inputs[0]!).map((_, axis, { length }) => length - 1 - axis);
      const perm = intsAttribute(node, "perm", reversed);
      return b.op("Transpose", [gradient], { perm: perm.map((_, axis) => perm.indexOf(axis)) });
    },
  ],
};
