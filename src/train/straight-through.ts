import { type Graph, type GraphBuilder, makeNode } from "../onnx/index.ts";
import type { GradientRule } from "./differentiate.ts";

/** The operators that exist in graphs under construction only. */
export const trainingDomain = "twindnn.train";

/**
 * A value whose gradient goes to another value of the same shape, or nowhere: how a function with a useless derivative
 * is trained.
 *
 * Source: Bengio et al., "Estimating or propagating gradients through stochastic neurons", 2013.
 */
export function straightThrough(b: GraphBuilder, value: string, gradientTo?: string): string {
  const output = b.fresh("straight_through");
  const inputs = gradientTo === undefined ? [value] : [value, gradientTo];
  b.graph.nodes.push({ ...makeNode("StraightThrough", inputs, [output]), domain: trainingDomain });
  return output;
}

export const straightThroughRules: Record<string, GradientRule> = {
  [`${trainingDomain}.StraightThrough`]: ({ gradient }) => ["stopped", () => gradient],
};

/** The graph as ONNX Runtime takes it, once all gradients are taken. */
export function withoutStraightThrough(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) =>
    node.domain === trainingDomain && node.op === "StraightThrough"
      ? makeNode("Identity", node.inputs.slice(0, 1), node.outputs)
      : node,
  );
  return { ...graph, nodes };
}
