import { ModelError, UnsupportedOperatorError } from "../errors.ts";
import type { Dim, Graph, Model, Node, Shape, ValueInfo } from "./graph.ts";
import { mergeDim } from "./operators/dims.ts";
import { type Inferred, inferredConstant, NodeContext, operatorName, operators } from "./operators/index.ts";

export interface InferenceOptions {
  /** Leaves the outputs of operators without a rule unknown, instead of refusing them. Default false. */
  readonly lenient?: boolean;
  /** Sizes to put in the place of symbols: `{ batch: 1 }`. */
  readonly dims?: Readonly<Record<string, number>>;
}

/**
 * Infers type and shape of every value, writes those of inner values into `graph.values`, and those of the graph's
 * outputs where they are more exact than the declared ones.
 *
 * @returns what is known of every value: inputs, constants, inner values and outputs, by name
 * @throws UnsupportedOperatorError for a node without a rule, unless lenient
 * @throws ModelError for a node whose inputs do not fit
 */
export function inferShapes(model: Model, options: Omit<InferenceOptions, "dims"> = {}): Map<string, ValueInfo> {
  const { graph } = model;
  const inferred = inferValues(model, options);
  const infos = new Map<string, ValueInfo>();
  for (const [name, { type, shape }] of inferred) infos.set(name, { name, type, shape });
  const boundary = new Set([...graph.inputs, ...graph.outputs].map((value) => value.name));
  const inner = [...infos].filter(([name]) => !boundary.has(name) && !graph.constants.has(name));
  graph.values = new Map(inner);
  graph.outputs = graph.outputs.map((output) => infos.get(output.name) ?? output);
  return infos;
}

/**
 * What is known of every value, by name, without changing the model. Small tensors that shapes are computed from are
 * followed element by element, symbols included.
 */
export function inferValues(model: Model, options: InferenceOptions = {}): Map<string, Inferred> {
  const { graph, opset } = model;
  const bind = (shape: Shape): Shape => shape?.map((dim) => bindDim(dim, options.dims ?? {}));
  const declared = declaredValues(graph, bind);
  const known = new Map<string, Inferred>();
  for (const [name, tensor] of graph.constants) known.set(name, inferredConstant(tensor));
  for (const { name, type, shape } of graph.inputs) known.set(name, { type, shape: bind(shape) });
  for (const node of graph.nodes) {
    const outputs = inferNode(node, opset, known, options.lenient ?? false);
    for (const [at, name] of node.outputs.entries()) {
      const value = outputs === undefined ? declared.get(name) : refine(outputs[at], declared.get(name));
      if (name !== "" && value !== undefined) known.set(name, value);
    }
  }
  return known;
}

const bindDim = (dim: Dim, dims: Readonly<Record<string, number>>): Dim =>
  typeof dim === "string" ? (dims[dim] ?? dim) : dim;

/** What the file itself says of inner values and outputs. */
function declaredValues(graph: Graph, bind: (shape: Shape) => Shape): Map<string, Inferred> {
  const values = [...graph.values.values(), ...graph.outputs];
  return new Map(values.map(({ name, type, shape }) => [name, { type, shape: bind(shape) }]));
}

/**
 * What one node makes of what is known of its inputs. Undefined when nothing can be said: no rule, or an input of which
 * nothing is known; unless lenient either throws.
 */
export function inferNode(
  node: Node,
  opset: number,
  known: ReadonlyMap<string, Inferred>,
  lenient: boolean,
): Inferred[] | undefined {
  const operator = operators.get(operatorName(node));
  if (operator === undefined && !lenient) {
    throw new UnsupportedOperatorError(node.op, node.name, "has no shape inference rule; ask for it, or replace it");
  }
  const unknown = node.inputs.find((name) => name !== "" && !known.has(name));
  if (unknown !== undefined && !lenient) {
    throw new ModelError(`node "${node.name}" (${node.op}): input "${unknown}" is made by no earlier node`);
  }
  if (operator === undefined || unknown !== undefined) return undefined;
  return operator.infer(
    new NodeContext(
      node,
      opset,
      node.inputs.map((name) => known.get(name)),
    ),
  );
}

/** Fills what inference leaves open with what the file declares. */
function refine(inferred: Inferred | undefined, declared: Inferred | undefined): Inferred | undefined {
  if (inferred === undefined || declared === undefined) return inferred ?? declared;
  const { type, shape, elements } = inferred;
  if (shape === undefined) return { ...inferred, shape: declared.shape };
  if (shape.length !== declared.shape?.length) return inferred;
  return { type, elements, shape: shape.map((dim, axis) => mergeDim(dim, declared.shape![axis])) };
}
