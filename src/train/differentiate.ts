import { UnsupportedOperatorError } from "../errors.ts";
import { type GraphBuilder, int64, type Node, operatorName, toNumbers } from "../onnx/index.ts";
import { broadcastingOperators, gradientRules } from "./gradients/index.ts";

/** The sizes of every value of a graph, by name; differentiation emits a graph for fixed sizes. */
export type ValueShapes = Map<string, readonly number[]>;

/** What a gradient rule sees of the node that it differentiates. */
export interface GradientContext {
  readonly node: Node;
  readonly inputs: readonly string[];
  /** Writes the nodes of the gradient. */
  readonly b: GraphBuilder;
  /** Gradient of the loss by the node's first output. */
  readonly gradient: string;
  /** The same by every output; undefined where the loss does not depend on it. */
  readonly gradients: readonly (string | undefined)[];
  /** The sizes of a value of the graph. */
  readonly shape: (value: string) => readonly number[];
  /** The elements of a constant integer input. Throws UnsupportedOperatorError when it is computed. */
  readonly integers: (input: number) => number[];
  /** Records the sizes of a value that the rule made, for rewrites that come after. */
  readonly declare: (value: string, shape: readonly number[]) => string;
}

/** Emits the gradient by one input and returns its name; only called when that gradient is wanted. */
export type InputGradient = () => string;

/** The gradients of an operator, one for each input; undefined where none exists (indices, shapes), "stopped" where zero. */
export type GradientRule = (context: GradientContext) => readonly (InputGradient | "stopped" | undefined)[];

/**
 * Reverse-mode differentiation: appends to `b` the nodes that compute d`loss`/d`value` for each of `values`.
 *
 * The graph is walked once, last node first; contributions to a value are summed when its own producer is reached, and
 * the broadcasting of elementwise operators is undone here, in one place.
 *
 * @param loss - name of a scalar value
 * @param shapes - sizes of all values of the graph
 * @returns the name of each value's gradient; a value that the loss does not depend on is absent
 * @throws UnsupportedOperatorError when an operator on the way has no rule
 */
export function differentiate(
  b: GraphBuilder,
  shapes: ValueShapes,
  loss: string,
  values: readonly string[],
): Map<string, string> {
  const wanted = dependents(b.graph.nodes, values);
  const contributions = new Map<string, string[]>([[loss, [b.constant(onesLike(shapes.get(loss) ?? []), "one")]]]);
  for (const node of b.graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => wanted.has(output) && contributions.has(output))) continue;
    const gradients = node.outputs.map((output) => total(b, contributions, output));
    const byInput = ruleOf(node)(contextOf(b, shapes, node, gradients));
    node.inputs.forEach((input, i) => {
      if (!wanted.has(input)) return;
      const emit = byInput[i];
      if (emit === "stopped") return;
      if (emit === undefined) throw new UnsupportedOperatorError(node.op, node.name, `has no gradient by input ${i}`);
      const gradient = broadcastingOperators.has(node.op)
        ? sumTo(b, emit(), shapeOf(shapes, node.outputs[0]!), shapeOf(shapes, input))
        : emit();
      contributions.set(input, [...(contributions.get(input) ?? []), gradient]);
    });
  }
  const entries = values.map((value) => [value, total(b, contributions, value)] as const);
  return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The values that depend on any of `sources`, themselves included. */
function dependents(nodes: readonly Node[], sources: readonly string[]): Set<string> {
  const found = new Set(sources);
  for (const node of nodes) {
    if (node.inputs.some((input) => found.has(input))) for (const output of node.outputs) found.add(output);
  }
  return found;
}

function ruleOf(node: Node): GradientRule {
  const rule = gradientRules.get(operatorName(node));
  if (rule === undefined) throw new UnsupportedOperatorError(node.op, node.name, "has no gradient rule");
  return rule;
}

function contextOf(
  b: GraphBuilder,
  shapes: ValueShapes,
  node: Node,
  gradients: readonly (string | undefined)[],
): GradientContext {
  return {
    node,
    inputs: node.inputs,
    b,
    gradient: gradients[0] ?? "",
    gradients,
    shape: (value) => shapeOf(shapes, value),
    integers: (input) => {
      const tensor = b.graph.constants.get(node.inputs[input]!);
      if (tensor === undefined) {
        throw new UnsupportedOperatorError(node.op, node.name, `has no gradient when its input ${input} is computed`);
      }
      return toNumbers(tensor);
    },
    declare: (value, shape) => {
      shapes.set(value, shape);
      return value;
    },
  };
}

function shapeOf(shapes: ValueShapes, value: string): readonly number[] {
  const shape = shapes.get(value);
  if (shape === undefined) throw new Error(`the shape of value "${value}" was not given`);
  return shape;
}

/** The sum of all contributions to a value's gradient; kept, so that it is emitted once. */
function total(b: GraphBuilder, contributions: Map<string, string[]>, value: string): string | undefined {
  const terms = contributions.get(value);
  if (terms === undefined) return undefined;
  const sum = terms.reduce((left, right) => b.op("Add", [left, right], {}, `d_${value}`));
  contributions.set(value, [sum]);
  return sum;
}

/** Sums a gradient of shape `from` over the axes along which its value, of shape `to`, was repeated. */
function sumTo(b: GraphBuilder, gradient: string, from: readonly number[], to: readonly number[]): string {
  const lead = from.length - to.length;
  const axes = from.flatMap((size, axis) => (axis < lead || (to[axis - lead] === 1 && size !== 1) ? [axis] : []));
  if (axes.length === 0) return gradient;
  const sum = b.op("ReduceSum", [gradient, b.constant(int64(axes))], { keepdims: 1 });
  return lead === 0 ? sum : b.op("Reshape", [sum, b.constant(int64(to))]);
}

function onesLike(dims: readonly number[]) {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return { type: "float32" as const, dims, data: new Float32Array(size).fill(1) };
}
