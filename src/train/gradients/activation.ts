import { floatAttribute, type GraphBuilder, type Node, scalar, stringAttribute } from "../../onnx/index.ts";
import type { GradientContext, GradientRule } from "../differentiate.ts";

/** A rule for y = f(x), elementwise: gradient times f', which may be written by x and y. */
function derivative(emit: (b: GraphBuilder, x: string, y: string, node: Node) => string): GradientRule {
  return ({ b, gradient, inputs, node }: GradientContext) => [
    () => b.op("Mul", [gradient, emit(b, inputs[0]!, node.outputs[0]!, node)]),
  ];
}

const constant = (b: GraphBuilder, value: number): string => b.constant(scalar(value));
const scaled = (b: GraphBuilder, x: string, factor: number): string => b.op("Mul", [x, constant(b, factor)]);
const square = (b: GraphBuilder, x: string): string => b.op("Mul", [x, x]);
/** 1 where the condition holds, 0 elsewhere. */
const indicator = (b: GraphBuilder, condition: string): string => b.op("Cast", [condition], { to: 1 });
const above = (b: GraphBuilder, x: string, bound: number): string => b.op("Greater", [x, constant(b, bound)]);
const below = (b: GraphBuilder, x: string, bound: number): string => b.op("Less", [x, constant(b, bound)]);

/** Cumulative distribution and density of the standard normal: x * cdf(x) is Gelu. */
function gaussian(b: GraphBuilder, x: string): string {
  const cdf = scaled(b, b.op("Add", [b.op("Erf", [scaled(b, x, Math.SQRT1_2)]), constant(b, 1)]), 0.5);
  const density = scaled(b, b.op("Exp", [scaled(b, square(b, x), -0.5)]), 1 / Math.sqrt(2 * Math.PI));
  return b.op("Add", [cdf, b.op("Mul", [x, density])]);
}

/** Of x (1 + t) / 2 with t = tanh(c (x + k x^3)): (1 + t + x (1 - t^2) c (1 + 3 k x^2)) / 2. */
function gaussianByTanh(b: GraphBuilder, x: string): string {
  const [c, k] = [Math.sqrt(2 / Math.PI), 0.044715];
  const inner = b.op("Add", [x, scaled(b, b.op("Mul", [square(b, x), x]), k)]);
  const t = b.op("Tanh", [scaled(b, inner, c)]);
  const slope = b.op("Add", [scaled(b, square(b, x), 3 * k * c), constant(b, c)]);
  const tail = b.op("Mul", [b.op("Mul", [x, b.op("Sub", [constant(b, 1), square(b, t)])]), slope]);
  return scaled(b, b.op("Add", [b.op("Add", [t, constant(b, 1)]), tail]), 0.5);
}

export const activationRules: Record<string, GradientRule> = {
  Relu: derivative((b, _, y) => indicator(b, above(b, y, 0))),
  LeakyRelu: derivative((b, x, _, node) => {
    const slope = constant(b, floatAttribute(node, "alpha", 0.01));
    return b.op("Where", [above(b, x, 0), constant(b, 1), slope]);
  }),
  /** 1 where the value passed unchanged. The bounds are constants. */
  Clip: derivative((b, x, y) => indicator(b, b.op("Equal", [x, y]))),
  Sigmoid: derivative((b, _, y) => b.op("Sub", [y, square(b, y)])),
  Tanh: derivative((b, _, y) => b.op("Sub", [constant(b, 1), square(b, y)])),
  Softplus: derivative((b, x) => b.op("Sigmoid", [x])),
  Erf: derivative((b, x) => scaled(b, b.op("Exp", [b.op("Neg", [square(b, x)])]), 2 / Math.sqrt(Math.PI))),
  HardSigmoid: derivative((b, _, y, node) => {
    const inside = indicator(b, b.op("And", [above(b, y, 0), below(b, y, 1)]));
    return scaled(b, inside, floatAttribute(node, "alpha", 0.2));
  }),
  /** 0 below -3, 1 above 3, x / 3 + 1 / 2 between. */
  HardSwish: derivative((b, x) => {
    const line = b.op("Add", [scaled(b, x, 1 / 3), constant(b, 0.5)]);
    const upper = b.op("Where", [above(b, x, 3), constant(b, 1), line]);
    return b.op("Where", [below(b, x, -3), constant(b, 0), upper]);
  }),
  Gelu: derivative((b, x, _, node) =>
    stringAttribute(node, "approximate", "none") === "tanh" ? gaussianByTanh(b, x) : gaussian(b, x),
  ),
};
