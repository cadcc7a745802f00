import type { Normalisation } from "../../data/index.ts";
import {
  attr,
  copyModel,
  FreshNames,
  float32,
  floatAttribute,
  type Graph,
  liftConstants,
  type Model,
  makeNode,
  type Node,
} from "../../onnx/index.ts";
import { type Dataset, type ObservedChannels, observeChannels } from "../../train/index.ts";

const epsilon = 1e-5;

export interface NormaliseOptions {
  readonly normalisation: Normalisation;
  readonly threads: number;
}

/**
 * Puts BatchNormalization behind convolutions, with the scale and bias that undo it on the images: the network answers as
 * before, and keeps the size of its values when weights become integers.
 *
 * @param layers - names of nodes; those that are convolutions are followed
 */
export async function withBatchNormalization(
  model: Model,
  data: Dataset,
  options: NormaliseOptions,
  layers: readonly string[],
): Promise<Model> {
  const result = copyModel(liftConstants(model));
  const { graph } = result;
  const names = new FreshNames(graph);
  const convolutions = graph.nodes.filter(({ op, name }) => op === "Conv" && layers.includes(name));
  const outputs = convolutions.map((node) => node.outputs[0]!);
  const observed = await observeChannels(model, data, outputs, options);
  for (const node of convolutions) {
    const norm = undoneNormalization(graph, node.outputs[0]!, observed.get(node.outputs[0]!)!, names);
    node.outputs = [norm.inputs[0]!];
    graph.nodes.splice(graph.nodes.indexOf(node) + 1, 0, norm);
  }
  return result;
}

/** A normalisation that makes the value `output` and leaves it as it was on the images observed. */
function undoneNormalization(graph: Graph, output: string, observed: ObservedChannels, names: FreshNames): Node {
  const { mean, variance } = observed;
  const scale = variance.map((value) => Math.sqrt(value + epsilon));
  const parameters = Object.entries({ scale, bias: mean, mean, variance }).map(([what, data]) => {
    const name = names.take(`${output}/${what}`);
    graph.constants.set(name, float32(data));
    return name;
  });
  const inputs = [names.take(`${output}/raw`), ...parameters];
  const node = makeNode("BatchNormalization", inputs, [output], { epsilon: attr.float(epsilon) });
  return { ...node, name: names.take(`${output}/normalised`) };
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
  const folded = new Set<Node>();
  for (const norm of graph.nodes.filter(({ op }) => op === "BatchNormalization")) {
    const conv = makers.get(norm.inputs[0]!);
    const quantiser = conv?.op === "Conv" ? makers.get(conv.inputs[1]!) : undefined;
    if (conv === undefined || quantiser === undefined) continue;
    absorb(graph, norm, conv, quantiser, names);
    conv.outputs = norm.outputs;
    folded.add(norm);
  }
  graph.nodes = graph.nodes.filter((node) => !folded.has(node));
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
