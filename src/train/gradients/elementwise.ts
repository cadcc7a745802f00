import { scalar } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

/** Operators whose inputs are broadcast to the output's shape; their rules give gradients of that shape. */
export const broadcastingOperators: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div"]);

/** g * x */
const times = ({ b, gradient }: GradientContext, factor: string): string => b.op("Mul", [gradient, factor]);

export const elementwiseRules: Record<string, GradientRule> = {
  Add: ({ gradient }) => [() => gradient, () => gradient],
  Sub: ({ b, gradient }) => [() => gradient, () => b.op("Neg", [gradient])],
  Mul: (c) => [() => times(c, c.inputs[1]!), () => times(c, c.inputs[0]!)],
  Div: (c) => [
    () => c.b.op("Div", [c.gradient, c.inputs[1]!]),
    () => c.b.op("Neg", [c.b.op("Div", [times(c, c.node.outputs[0]!), c.inputs[1]!])]),
  ],
  Neg: ({ b, gradient }) => [() => b.op("Neg", [gradient])],
  Identity: ({ gradient }) => [() => gradient],
  Exp: (c) => [() => times(c, c.node.outputs[0]!)],
  Log: ({ b, gradient, inputs }) => [() => b.op("Div", [gradient, inputs[0]!])],
  Sqrt: ({ b, gradient, node }) => [
    () => b.op("Div", [gradient, b.op("Mul", [node.outputs[0]!, b.constant(scalar(2))])]),
  ],
  Reciprocal: (c) => [() => c.b.op("Neg", [times(c, c.b.op("Mul", [c.node.outputs[0]!, c.node.outputs[0]!]))])],
};
