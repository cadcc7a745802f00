import { constantNodes, copyModel, readsOf } from "../edit.ts";
import type { Graph, Model, Node } from "../graph.ts";
import { isKnown } from "../operators/dims.ts";
import type { Inferred } from "../operators/index.ts";
import { runModel } from "../run.ts";
import { inferValues } from "../shapes.ts";
import { type ElementType, elementTypes, sizeOf, type Tensor } from "../tensor.ts";
import { liftConstants } from "./constants.ts";
import { removeDeadNodes } from "./dead.ts";

/** Constants that quantisation keeps small stay as they are. */
const keptOperators = new Set(["QuantizeLinear", "DequantizeLinear"]);
/** A constant larger than this many bytes is worth computing anew. */
const maxBytes = 2 ** 24;

/**
 * Replaces what never changes by constants: Constant nodes, integers computed from known sizes, and nodes that read
 * nothing but constants, which ONNX Runtime evaluates. Weights under DequantizeLinear stay quantised.
 */
export async function foldConstants(model: Model): Promise<Model> {
  const lifted = foldKnownIntegers(liftConstants(model));
  const { graph } = lifted;
  const fixed = [...constantNodes(graph)].filter((node) => !keptOperators.has(node.op));
  const wanted = foldedOutputs(lifted, fixed);
  if (wanted.length === 0) return removeDeadNodes(lifted);
  const values = await evaluate(lifted, fixed, wanted);
  for (const [name, tensor] of values) makeConstant(graph, name, tensor);
  return removeDeadNodes(lifted);
}

/** The values of `fixed` nodes that others read, and that are not too large. */
function foldedOutputs(model: Model, fixed: readonly Node[]): string[] {
  const { graph } = model;
  const inferred = inferValues(model, { lenient: true });
  const inside = new Set(fixed);
  const read = new Set(graph.nodes.filter((node) => !inside.has(node)).flatMap((node) => [...readsOf(node)]));
  const outputs = new Set(graph.outputs.map((output) => output.name));
  return fixed
    .flatMap((node) => node.outputs)
    .filter((name) => read.has(name) && !outputs.has(name) && isSmall(inferred.get(name)));
}

function isSmall(value: Inferred | undefined): boolean {
  if (value === undefined || !value.shape?.every(isKnown)) return false;
  return sizeOf(value.shape) * elementTypes[value.type].bytes <= maxBytes;
}

/** Runs the constant part of the graph alone. */
async function evaluate(model: Model, fixed: readonly Node[], wanted: readonly string[]): Promise<Map<string, Tensor>> {
  const inferred = inferValues(model, { lenient: true });
  const outputs = wanted.map((name) => ({ name, type: inferred.get(name)!.type, shape: inferred.get(name)!.shape }));
  const graph: Graph = { ...model.graph, inputs: [], outputs, nodes: [...fixed], values: new Map() };
  return await runModel(removeDeadNodes({ ...model, graph }), new Map());
}

/** Replaces integer values whose elements shape inference knows. */
function foldKnownIntegers(model: Model): Model {
  const result = copyModel(model);
  const outputs = new Set(result.graph.outputs.map((output) => output.name));
  for (const [name, value] of inferValues(model, { lenient: true })) {
    const tensor = result.graph.constants.has(name) || outputs.has(name) ? undefined : integerTensor(value);
    if (tensor !== undefined) makeConstant(result.graph, name, tensor);
  }
  return removeDeadNodes(result);
}

const integerTypes = new Set<ElementType>(["int64", "int32"]);

function integerTensor({ type, shape, elements }: Inferred): Tensor | undefined {
  if (!integerTypes.has(type) || !shape?.every(isKnown) || !elements?.every(isKnown)) return undefined;
  const data = type === "int64" ? BigInt64Array.from(elements, BigInt) : Int32Array.from(elements);
  return { type, dims: shape, data };
}

/** Takes a value away from the node that makes it. The node stays while another of its outputs is read. */
function makeConstant(graph: Graph, name: string, tensor: Tensor): void {
  for (const node of graph.nodes) {
    node.outputs = node.outputs.map((output) => (output === name ? "" : output));
  }
  graph.nodes = graph.nodes.filter((node) => node.outputs.some((output) => output !== ""));
  graph.constants.set(name, tensor);
  graph.values.delete(name);
}
