import type { Normalisation } from "../../data/index.ts";
import {
  copyModel,
  FreshNames,
  float32,
  floatAttribute,
  type Graph,
  type Model,
  makeNode,
  type Node,
} from "../../onnx/index.ts";
import { type Dataset, estimateStatistics } from "../../train/index.ts";

/** Images whose statistics a new BatchNormalization starts from. */
const statisticsImages = 512;
const epsilon = 1e-5;

export interface NormaliseOptions {
  readonly normalisation: Normalisation;
  readonly threads: number;
}

/**
 * Puts BatchNormalization behind convolutions, with the scale and bias that undo it on the
 * images: the network answers as before, and keeps the size of its values when weights become integers.
 *
 * @param layers - names of nodes; those that are convolutions are followed
 */
export async function withBatchNormalization(
  model: Model,
  data: Dataset,
  { normalisation, threads }: NormaliseOptions,
  layers: readonly string[],
): Promise<Model> {
  const batch = Math.min(128, data.labels.length);
  const plain = withPlainNormalization(model, layers);
  const spec = { batch, normalisation, threads, count: statisticsImages };
  const measured = copyModel(await estimateStatistics(plain, data, spec));
  const { constants, nodes } = measured.graph;
  for (const node of nodes.filter(({ op }) => op === "BatchNormalization")) {
    const [, scale, bias, mean, variance] = node.inputs as [string, string, string, string, string];
    constants.set(scale, float32(floats(measured.graph, variance).map((value) => Math.sqrt(value + epsilon))));
    constants.set(bias, float32(floats(measured.graph, mean)));
  }
  return measured;
}

function withPlainNormalization(model: Model, layers: readonly string[]): Model {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  graph.nodes = graph.nodes.flatMap((node) => {
    if (node.op !== "Conv" || !layers.includes(node.name)) return [node];
    const channels = graph.constants.get(node.inputs[1]!)!.dims[0]!;
    const [output] = node.outputs as [string];
    node.outputs = [names.take(`${output}/raw`)];
    const parameters = Object.entries({ scale: 1, bias: 0, mean: 0, variance: 1 }).map(([what, value]) => {
      const name = names.take(`${output}/${what}`);
      graph.constants.set(name, float32(new Float32Array(channels).fill(value)));
      return name;
    });
    return [node, makeNode("BatchNormalization", [...node.outputs, ...parameters], [output])];
  });
  return result;
}

/**
 * Folds BatchNormalization into the convolution before it, whose weights a quantiser makes: the quantiser's float weights,
 * scales and thresholds are multiplied, so that the integers stay, or change their sign.
 */
export function foldIntoQuantisers(model: Model): Model {
  const result = copyModel(model);
  const { graph } = result;
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0]!, node]));
  const names = new FreshNames(graph);
  for (const norm of graph.nodes.filter(({ op }) => op === "BatchNormalization")) {
    const conv = makers.get(norm.inputs[0]!)!;
    absorb(graph, norm, conv, makers.get(conv.inputs[1]!)!, names);
    conv.outputs = norm.outputs;
  }
  graph.nodes = graph.nodes.filter(({ op }) => op !== "BatchNormalization");
  return result;
}

function absorb(graph: Graph, norm: Node, conv: Node, quantiser: Node, names: FreshNames): void {
  const [scale, shift, mean, variance] = norm.inputs.slice(1).map((name) => floats(graph, name)) as Parameters4;
  const added = floatAttribute(norm, "epsilon", epsilon);
  const factors = scale.map((value, channel) => value / Math.sqrt(variance[channel]! + added));
  const [latent, ...steps] = quantiser.inputs as [string, ...string[]];
  multiply(graph, latent, factors);
  for (const name of steps) multiply(graph, name, factors.map(Math.abs));
  const before = conv.inputs[2] ? floats(graph, conv.inputs[2]) : new Float32Array(factors.length);
  const bias = factors.map((factor, channel) => factor * (before[channel]! - mean[channel]!) + shift[channel]!);
  conv.inputs[2] ||= names.take(`${norm.outputs[0]}/bias`);
  graph.constants.set(conv.inputs[2], float32(bias));
}

type Parameters4 = [Float32Array, Float32Array, Float32Array, Float32Array];

/** Multiplies each output channel, the first axis, by its factor. */
function multiply(graph: Graph, name: string, factors: Float32Array): void {
  const { dims } = graph.constants.get(name)!;
  const data = floats(graph, name);
  const stride = data.length / factors.length;
  graph.constants.set(
    name,
    float32(
      data.map((value, i) => value * factors[Math.floor(i / stride)]!),
      dims,
    ),
  );
}

const floats = ({ constants }: Graph, name: string): Float32Array => constants.get(name)!.data as Float32Array;
