import { type GraphBuilder, scalar } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

/** Operators that repeat their inputs up to the output's shape; their rules give gradients of that shape. */
export const broadcastingOperators: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Pow",
  "Max",
  "Min",
  "Where",
  "Expand",
]);

const times = ({ b, gradient }: GradientContext, factor: string): string => b.op("Mul", [gradient, factor]);

/** The gradient goes to the inputs that equal the output; where several do, to each of them. */
const extremum: GradientRule = (c) =>
  c.inputs.map((input) => () => {
    const chosen = c.b.op("Equal", [input, c.node.outputs[0]!]);
    return times(c, c.b.op("Cast", [chosen], { to: 1 }));
  });

const zero = (b: GraphBuilder): string => b.constant(scalar(0), "zero");

export const elementwiseRules: Record<string, GradientRule> = {
  Identity: ({ gradient }) => [() => gradient],
  /** Of a network written for inference: passes everything. */
  Dropout: ({ gradient }) => [() => gradient],
  Add: ({ gradient }) => [() => gradient, () => gradient],
  Sub: ({ b, gradient }) => [() => gradient, () => b.op("Neg", [gradient])],
  Mul: (c) => [() => times(c, c.inputs[1]!), () => times(c, c.inputs[0]!)],
  Div: (c) => [
    () => c.b.op("Div", [c.gradient, c.inputs[1]!]),
    () => c.b.op("Neg", [c.b.op("Div", [times(c, c.node.outputs[0]!), c.inputs[1]!])]),
  ],
  /** By the base only: exponents are constants. */
  Pow: (c) => [
    () => {
      const lower = c.b.op("Sub", [c.inputs[1]!, c.b.constant(scalar(1))]);
      return times(c, c.b.op("Mul", [c.inputs[1]!, c.b.op("Pow", [c.inputs[0]!, lower])]));
    },
    undefined,
  ],
  Max: extremum,
  Min: extremum,
  Where: ({ b, gradient, inputs }) => [
    undefined,
    () => b.op("Where", [inputs[0]!, gradient, zero(b)]),
    () => b.op("Where", [inputs[0]!, zero(b), gradient]),
  ],
  Neg: ({ b, gradient }) => [() => b.op("Neg", [gradient])],
  Abs: (c) => [() => times(c, c.b.op("Sign", [c.inputs[0]!]))],
  Exp: (c) => [() => times(c, c.node.outputs[0]!)],
  Log: ({ b, gradient, inputs }) => [() => b.op("Div", [gradient, inputs[0]!])],
  Sqrt: ({ b, gradient, node }) => [
    () => b.op("Div", [gradient, b.op("Mul", [node.outputs[0]!, b.constant(scalar(2))])]),
  ],
  Reciprocal: (c) => [() => c.b.op("Neg", [times(c, c.b.op("Mul", [c.node.outputs[0]!, c.node.outputs[0]!]))])],
};
