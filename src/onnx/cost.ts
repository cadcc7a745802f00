import { ModelError } from "../errors.ts";
import { constantNodes, producers, readsOf } from "./edit.ts";
import type { Graph, Model, Node, Shape } from "./graph.ts";
import { isKnown } from "./operators/dims.ts";
import { CostContext, type Inferred, operatorName, operators } from "./operators/index.ts";
import { inferValues } from "./shapes.ts";
import { elementTypes, sizeOf, type Tensor } from "./tensor.ts";

/** What a node costs for one image. */
export interface LayerCost {
  readonly node: string;
  readonly op: string;
  /** Shape of the first output; the batch is 1 where the model leaves it open. */
  readonly shape: Shape;
  /** Multiply-accumulates of convolutions and matrix products; other arithmetic is not counted, as is usual. */
  readonly macs: number;
  /** Weights: elements of the constants that it reads first, without scalars and integer shapes. */
  readonly parameters: number;
  /** Bytes of these weights. */
  readonly bytes: number;
  /** Bytes of its outputs; undefined when a size is unknown. */
  readonly outputBytes: number | undefined;
}

/** What a model costs for one image. */
export interface ModelCost {
  readonly macs: number;
  readonly parameters: number;
  /** Bytes of the weights. */
  readonly bytes: number;
  readonly layers: readonly LayerCost[];
}

/**
 * Counts multiply-accumulates, weights and bytes for one image. A fixed batch is divided out.
 *
 * @param dims sizes for the symbols of a model with open image sizes: `{ height: 224, width: 224 }`
 * @throws ModelError where a size that counts is unknown; UnsupportedOperatorError for an operator without rules
 */
export function modelCost(model: Model, dims: Readonly<Record<string, number>> = {}): ModelCost {
  const { model: single, batch } = atBatchOne(model);
  const values = inferValues(single, { dims });
  const weights = weightsByNode(single.graph);
  const layers = single.graph.nodes.map((node) => layerCost(single, node, values, weights.get(node) ?? [], batch));
  const total = (key: "macs" | "parameters" | "bytes"): number => layers.reduce((sum, layer) => sum + layer[key], 0);
  return { macs: total("macs"), parameters: total("parameters"), bytes: total("bytes"), layers };
}

/** The model with an open batch set to 1, and the batch that a fixed one has. */
function atBatchOne(model: Model): { model: Model; batch: number } {
  const batch = model.graph.inputs[0]?.shape?.[0];
  if (isKnown(batch)) return { model, batch };
  const one = (shape: Shape): Shape =>
    shape?.map((dim, axis) => ((axis === 0 && dim === undefined) || (dim !== undefined && dim === batch) ? 1 : dim));
  const inputs = model.graph.inputs.map((input) => ({ ...input, shape: one(input.shape) }));
  return { model: { ...model, graph: { ...model.graph, inputs, values: new Map() } }, batch: 1 };
}

function layerCost(
  model: Model,
  node: Node,
  values: ReadonlyMap<string, Inferred>,
  weights: readonly Tensor[],
  batch: number,
): LayerCost {
  const outputs = node.outputs.map((name) => values.get(name));
  const bytes = outputs.map(bytesOf);
  return {
    node: node.name,
    op: node.op,
    shape: outputs[0]?.shape,
    macs: macsOf(model, node, values) / batch,
    parameters: weights.reduce((sum, tensor) => sum + sizeOf(tensor.dims), 0),
    bytes: weights.reduce((sum, tensor) => sum + tensor.data.byteLength, 0),
    outputBytes: bytes.every(isKnown) ? bytes.reduce((a, b) => a + b, 0) / batch : undefined,
  };
}

function macsOf(model: Model, node: Node, values: ReadonlyMap<string, Inferred>): number {
  const count = operators.get(operatorName(node))?.macs;
  if (count === undefined) return 0;
  const look = (names: readonly string[]): (Inferred | undefined)[] => names.map((name) => values.get(name));
  const macs = count(new CostContext(node, model.opset, look(node.inputs), look(node.outputs)));
  if (macs !== undefined) return macs;
  throw new ModelError(
    `node "${node.name}" (${node.op}): its sizes are unknown; export the model with a fixed image size`,
  );
}

function bytesOf(value: Inferred | undefined): number | undefined {
  if (value === undefined) return 0;
  return value.shape?.every(isKnown) ? sizeOf(value.shape) * elementTypes[value.type].bytes : undefined;
}

/**
 * The weights of each node: constants that it reads, or that reach it through nodes that read nothing but constants
 * (a DequantizeLinear, say). A constant that several nodes read counts for the first.
 */
function weightsByNode(graph: Graph): Map<Node, Tensor[]> {
  const makers = producers(graph);
  const fixed = constantNodes(graph);
  const counted = new Set<string>();
  const weightsUnder = (node: Node): Tensor[] =>
    [...readsOf(node)].flatMap((name) => {
      const maker = makers.get(name);
      if (maker !== undefined) return fixed.has(maker) ? [...weightsUnder(maker), ...heldBy(maker)] : [];
      const tensor = graph.constants.get(name);
      if (tensor === undefined || !isWeight(tensor) || counted.has(name)) return [];
      counted.add(name);
      return [tensor];
    });
  const heldBy = (node: Node): Tensor[] => {
    const value = node.attributes.get("value");
    if (value?.kind !== "tensor" || !isWeight(value.value) || counted.has(node.outputs[0]!)) return [];
    counted.add(node.outputs[0]!);
    return [value.value];
  };
  return new Map(graph.nodes.filter((node) => !fixed.has(node)).map((node) => [node, weightsUnder(node)]));
}

const isWeight = (tensor: Tensor): boolean =>
  tensor.dims.length > 0 && tensor.type !== "int64" && tensor.type !== "bool";
