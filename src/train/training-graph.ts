import type { Normalisation } from "../data/types.ts";
import { ModelError } from "../errors.ts";
import {
  elementTypes,
  float32,
  type Graph,
  GraphBuilder,
  inferValues,
  type Model,
  makeNode,
  modelOf,
  raiseOpset,
  type Shape,
  scalar,
  type ValueInfo,
} from "../onnx/index.ts";
import { type BatchStatistics, emitBatchNormalization } from "./batchnorm.ts";
import { blockConvolutions, findBlock } from "./blocked.ts";
import { differentiate, type ValueShapes } from "./differentiate.ts";
import type { Loss } from "./losses.ts";
import type { Optimiser } from "./optimisers/index.ts";
import { emitJoin, emitSplit, type Parameter, parametersOf, totalSize } from "./parameters.ts";

/** A graph that computes something of a network whose parameters come in as one flat vector. */
export interface ParameterisedGraph {
  readonly model: Model;
  readonly parameters: readonly Parameter[];
}

/** What a network is trained with. */
export interface TrainingSpec {
  /** Images of one step. */
  readonly batch: number;
  /** How bytes become network inputs. */
  readonly normalisation: Normalisation;
  readonly loss: Loss;
  readonly optimiser: Optimiser;
}

/**
 * One training step as a graph: forward pass, loss, gradients and update.
 *
 * Inputs: `images` uint8 [batch, C, H, W]; `labels` int64 [batch]; `teacher` float32 [batch, classes] where the loss needs
 * it; the flat vectors `parameters`, `average`, `state0`...; the scalars `rate`, `step`, `progress` and `averaging`.
 * Outputs: scalars `loss` and `correct`; `new_parameters`, `new_average`, `new_state0`...
 */
export async function trainingGraph(network: Model, spec: TrainingSpec): Promise<ParameterisedGraph> {
  const { b, parameters, values, logits, classes, opset } = forward(network, spec);
  b.input("labels", "int64", [spec.batch]);
  if (spec.loss.needsTeacher) b.input("teacher", "float32", [spec.batch, classes]);
  const loss = spec.loss.emit({ b, logits, labels: "labels", classes, teacher: "teacher" });
  const shapes = valueShapes(b.graph, opset);
  const names = values.map((value) => value.name);
  const gradient = emitJoin(b, values, differentiate(b, shapes, loss, names));
  emitUpdate(b, spec.optimiser, parameters, gradient);
  b.output(loss, "float32", [], "loss");
  b.output(emitCorrect(b, logits), "float32", [], "correct");
  return { model: await fastest(modelOf(b.graph, opset), shapes), parameters };
}

/**
 * The forward pass with the statistics of the batch.
 *
 * Inputs: `images` uint8 [batch, C, H, W] and the flat vector `parameters`.
 * Outputs: `mean<i>` and `variance<i>` for the i-th BatchNormalization, float32 [1, channels, 1, 1].
 */
export async function statisticsGraph(
  network: Model,
  spec: Pick<TrainingSpec, "batch" | "normalisation">,
): Promise<ParameterisedGraph> {
  const { b, parameters, statistics, opset } = forward(network, spec);
  statistics.forEach(({ mean, variance }, i) => {
    b.output(mean, "float32", undefined, `mean${i}`);
    b.output(variance, "float32", undefined, `variance${i}`);
  });
  return { model: await fastest(modelOf(b.graph, opset), valueShapes(b.graph, opset)), parameters };
}

interface Forward {
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

/** The network in training mode: parameters cut from the flat vector, normalisation by the batch's statistics. */
function forward(network: Model, spec: Pick<TrainingSpec, "batch" | "normalisation">): Forward {
  const raised = network.opset < oldestOpset ? raiseOpset(network, oldestOpset) : network;
  const graph = prefixed(raised.graph);
  const { input, sizes, classes } = interfaceOf(graph);
  const values = parametersOf(graph);
  const trainable = new Set(values.map((value) => value.name));
  const b = new GraphBuilder(`${graph.name}_training`);
  b.input("images", "uint8", [spec.batch, ...sizes]);
  b.input("parameters", "float32", [totalSize(values)]);
  emitSplit(b, "parameters", values);
  const used = new Set(
    graph.nodes.flatMap((node) => node.inputs.slice(0, node.op === "BatchNormalization" ? 3 : undefined)),
  );
  for (const [name, tensor] of graph.constants) {
    if (used.has(name) && !trainable.has(name)) b.graph.constants.set(name, tensor);
  }
  emitNormalisation(b, spec.normalisation, input);
  const statistics: BatchStatistics[] = [];
  for (const node of graph.nodes) {
    if (node.op === "BatchNormalization") statistics.push(emitBatchNormalization(b, node));
    else b.graph.nodes.push(node);
  }
  return {
    b,
    parameters: parametersOf(network.graph),
    values,
    statistics,
    logits: graph.outputs[0]!.name,
    classes,
    opset: raised.opset,
  };
}

/** An omitted input stays omitted. */
const rename = (name: string): string => (name === "" ? "" : `network/${name}`);

const renameValue = (value: ValueInfo): ValueInfo => ({ ...value, name: rename(value.name) });

/** The graph with a prefix before every value's name, so that none meets a name of the training graph. */
function prefixed(graph: Graph): Graph {
  return {
    name: graph.name,
    inputs: graph.inputs.map(renameValue),
    outputs: graph.outputs.map(renameValue),
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: rename(node.name),
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    constants: new Map([...graph.constants].map(([name, tensor]) => [rename(name), tensor])),
    values: new Map(),
  };
}

/** The single image input and the single row of logits that training needs. */
function interfaceOf(graph: Graph): { input: string; sizes: readonly number[]; classes: number } {
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
function emitNormalisation(b: GraphBuilder, { scale, offset }: Normalisation, output: string): void {
  const perChannel = (values: readonly number[]): string => b.constant(float32(values, [1, values.length, 1, 1]));
  const bytes = b.op("Cast", ["images"], { to: elementTypes.float32.code });
  const scaled = b.op("Mul", [bytes, perChannel(scale)]);
  b.graph.nodes.push(makeNode("Add", [scaled, perChannel(offset)], [output]));
}

function emitUpdate(b: GraphBuilder, optimiser: Optimiser, parameters: readonly Parameter[], gradient: string): void {
  const size = totalSize(parameters);
  const vector = (name: string): string => b.input(name, "float32", [size]);
  const output = (value: string, name: string): void => b.output(value, "float32", [size], name);
  const rate = b.input("rate", "float32", []);
  const step = b.input("step", "float32", []);
  const progress = b.input("progress", "float32", []);
  const averaging = b.input("averaging", "float32", []);
  const state = Array.from({ length: optimiser.stateCount }, (_, i) => vector(`state${i}`));
  const decays = b.constant(decayMask(parameters), "decays");
  const update = optimiser.emit({
    ...{ b, parameters: "parameters", gradient, rate, step, progress, decays, state },
    layout: parameters,
  });
  output(update.parameters, "new_parameters");
  update.state.forEach((value, i) => {
    output(value, `new_state${i}`);
  });
  output(emitAverage(b, vector("average"), update.parameters, averaging), "new_average");
}

/** `average + (1 - averaging) (value - average)` */
function emitAverage(b: GraphBuilder, average: string, value: string, averaging: string): string {
  const share = b.op("Sub", [b.constant(scalar(1)), averaging]);
  return b.op("Add", [average, b.op("Mul", [b.op("Sub", [value, average]), share])]);
}

function decayMask(parameters: readonly Parameter[]) {
  const mask = new Float32Array(totalSize(parameters));
  for (const { offset, size, decays } of parameters) mask.fill(decays ? 1 : 0, offset, offset + size);
  return float32(mask);
}

/** How many images of the batch are classified as labelled. */
function emitCorrect(b: GraphBuilder, logits: string): string {
  const answers = b.op("ArgMax", [logits], { axis: 1, keepdims: 0 });
  const right = b.op("Cast", [b.op("Equal", [answers, "labels"])], { to: elementTypes.float32.code });
  return b.op("ReduceSum", [right], { keepdims: 0 });
}

async function fastest(model: Model, shapes: ValueShapes): Promise<Model> {
  const block = await findBlock();
  return block === undefined ? model : blockConvolutions(model, shapes, block);
}

/** The sizes of all values of a graph whose inputs have fixed sizes. */
function valueShapes(graph: Graph, opset: number): ValueShapes {
  const values = [...inferValues(modelOf(graph, opset))];
  return new Map(values.map(([name, { shape }]) => [name, fixedShape(name, shape)]));
}

function fixedShape(name: string, shape: Shape): readonly number[] {
  const sizes = shape?.filter((size) => typeof size === "number");
  if (sizes === undefined || sizes.length !== shape?.length) {
    throw new ModelError(`value "${name}" has no fixed shape; training needs one for every value`);
  }
  return sizes;
}
