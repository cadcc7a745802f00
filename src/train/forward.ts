import type { Normalisation } from "../data/types.ts";
import { ModelError, UsageError, unknownValue } from "../errors.ts";
import {
  elementTypes,
  float32,
  type Graph,
  GraphBuilder,
  type Model,
  makeNode,
  raiseOpset,
  scalar,
  type ValueInfo,
} from "../onnx/index.ts";
import { type BatchStatistics, emitBatchNormalization } from "./batchnorm.ts";
import type { Device } from "./device.ts";
import { emitSplit, type Parameter, parametersOf, totalSize } from "./parameters.ts";
import { emitQuantiser } from "./quantisers/emit.ts";
import { isQuantiser } from "./quantisers/nodes.ts";
import { isTernary } from "./quantisers/ternary.ts";

/** How a network is run in training. */
export interface NetworkSpec {
  /** Images of one run. */
  readonly batch: number;
  /** How bytes become network inputs. */
  readonly normalisation: Normalisation;
  /** What the graph is written for; default "cpu". */
  readonly device?: Device;
  /** Names of constants that keep their values. */
  readonly frozen?: readonly string[];
  /** Normalise by the statistics of the batch, or by those that the network holds; default "batch". */
  readonly batchNormalization?: "batch" | "frozen";
  /** Share of the run, by the scalar input `progress`, over which ternary weights take the place of float ones; default 0. */
  readonly ramp?: number;
}

/** A network's forward pass in a graph under construction. */
export interface Forward {
  readonly b: GraphBuilder;
  readonly parameters: readonly Parameter[];
  /** The parameters under the names they bear in this graph. */
  readonly values: readonly Parameter[];
  readonly statistics: readonly BatchStatistics[];
  readonly logits: string;
  readonly classes: number;
  readonly opset: number;
}

/** The operator set that gradients are written in; later ones read the same. */
const oldestOpset = 20;

/**
 * The network in training mode, reading `images` uint8 [batch, C, H, W] and the flat vector `parameters`.
 *
 * @throws UsageError for a frozen name that is no parameter
 */
export function emitForward(network: Model, spec: NetworkSpec): Forward {
  const raised = network.opset < oldestOpset ? raiseOpset(network, oldestOpset) : network;
  const graph = prefixed(raised.graph);
  const { input, sizes, classes } = interfaceOf(graph);
  const parameters = trainedParameters(raised.graph, spec.frozen ?? []);
  const values = parameters.map((parameter) => ({ ...parameter, name: inner(parameter.name) }));
  const b = new GraphBuilder(`${graph.name}_training`);
  b.input("images", "uint8", [spec.batch, ...sizes]);
  b.input("parameters", "float32", [totalSize(values)]);
  emitSplit(b, "parameters", values);
  emitNormalisation(b, spec.normalisation, input);
  const ramp = spec.ramp && isTernary(raised) ? emitRamp(b, spec.ramp) : undefined;
  const statistics = emitNodes(b, graph, spec, ramp);
  keepConstants(b.graph, graph, values);
  return { b, parameters, values, statistics, logits: graph.outputs[0]!.name, classes, opset: raised.opset };
}

function trainedParameters(graph: Graph, frozen: readonly string[]): Parameter[] {
  const known = parametersOf(graph).map(({ name }) => name);
  const unknown = frozen.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(unknownValue("parameter to freeze", unknown, known));
  return parametersOf(graph, frozen);
}

function emitNodes(
  b: GraphBuilder,
  graph: Graph,
  { batchNormalization = "batch", device = "cpu" }: NetworkSpec,
  ramp: string | undefined,
): BatchStatistics[] {
  const statistics: BatchStatistics[] = [];
  for (const node of graph.nodes) {
    if (node.op === "BatchNormalization" && batchNormalization === "batch") {
      statistics.push(emitBatchNormalization(b, node, device));
    } else if (isQuantiser(node)) emitQuantiser(b, node, ramp);
    else b.graph.nodes.push(node);
  }
  return statistics;
}

/** The input `progress`, declared once. */
export function emitProgress(b: GraphBuilder): string {
  const declared = b.graph.inputs.find(({ name }) => name === "progress");
  return declared?.name ?? b.input("progress", "float32", []);
}

/** `min(1, progress / ramp)` */
function emitRamp(b: GraphBuilder, ramp: number): string {
  return b.op("Min", [b.op("Div", [emitProgress(b), b.constant(scalar(ramp))]), b.constant(scalar(1))]);
}

/** Copies the constants that are read and not trained. */
function keepConstants(into: Graph, from: Graph, values: readonly Parameter[]): void {
  const trained = new Set(values.map(({ name }) => name));
  const read = new Set(into.nodes.flatMap((node) => node.inputs));
  for (const [name, tensor] of from.constants) {
    if (read.has(name) && !trained.has(name)) into.constants.set(name, tensor);
  }
}

/** The name in a graph around a network of the network's own value; an omitted input stays omitted. */
export const inner = (name: string): string => (name === "" ? "" : `network/${name}`);

const renameValue = (value: ValueInfo): ValueInfo => ({ ...value, name: inner(value.name) });

/** The graph with a prefix before every value's name, so that none meets a name of the graph around it. */
export function prefixed(graph: Graph): Graph {
  return {
    name: graph.name,
    inputs: graph.inputs.map(renameValue),
    outputs: graph.outputs.map(renameValue),
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: inner(node.name),
      inputs: node.inputs.map(inner),
      outputs: node.outputs.map(inner),
    })),
    constants: new Map([...graph.constants].map(([name, tensor]) => [inner(name), tensor])),
    values: new Map(),
  };
}

/** The single image input and the single row of logits that training needs. */
export function interfaceOf(graph: Graph): { input: string; sizes: readonly number[]; classes: number } {
  const [input, output] = [graph.inputs[0], graph.outputs[0]];
  const sizes = input?.shape?.slice(1) ?? [];
  const classes = output?.shape?.[1];
  if (graph.inputs.length !== 1 || sizes.length !== 3 || !sizes.every((size) => typeof size === "number")) {
    throw new ModelError("training needs one input [batch, channels, height, width] with known sizes");
  }
  if (graph.outputs.length !== 1 || output?.shape?.length !== 2 || typeof classes !== "number") {
    throw new ModelError("training needs one output [batch, classes] with a known number of classes");
  }
  return { input: input!.name, sizes, classes };
}

/** Bytes times `scale` plus `offset`, by channel. */
export function emitNormalisation(b: GraphBuilder, { scale, offset }: Normalisation, output: string): void {
  const perChannel = (values: readonly number[]): string => b.constant(float32(values, [1, values.length, 1, 1]));
  const bytes = b.op("Cast", ["images"], { to: elementTypes.float32.code });
  const scaled = b.op("Mul", [bytes, perChannel(scale)]);
  b.graph.nodes.push(makeNode("Add", [scaled, perChannel(offset)], [output]));
}
