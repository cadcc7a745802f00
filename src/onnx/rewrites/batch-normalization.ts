import { consumers, copyModel, FreshNames, producers, type Rewrite } from "../edit.ts";
import { floatAttribute, type Graph, intAttribute, type Node } from "../graph.ts";
import { type Affine, absorb, type Channels, channelsOf, floats } from "./affine.ts";
import { removeDeadNodes } from "./dead.ts";

/**
 * Folds every BatchNormalization in inference mode into the Conv, ConvTranspose or Gemm whose only reader it is, and so
 * every product or sum with a constant for each channel, as which some exporters write it. Weights must be float32
 * constants. Where this does not hold the node stays.
 */
export const foldBatchNormalization: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  const readers = consumers(graph);
  const makers = producers(graph);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  for (const node of graph.nodes.filter(isAffine)) {
    const input = node.inputs.find((name) => !graph.constants.has(name)) ?? "";
    const source = makers.get(input);
    const channels = source && channelsOf(graph, source);
    const alone = readers.get(input)?.length === 1 && !outputs.has(input);
    const affine = channels && affineOf(graph, node, channels);
    if (source === undefined || !alone || affine === undefined || !absorb(graph, source, affine, names)) continue;
    graph.values.delete(source.outputs[0]!);
    source.outputs = [node.outputs[0]!];
    makers.set(node.outputs[0]!, source);
    graph.nodes.splice(graph.nodes.indexOf(node), 1);
  }
  return removeDeadNodes(result);
};

const isAffine = ({ op, domain }: Node): boolean => op in affineMaps && domain === "";

/** What a node does to each channel of its input; undefined where it is not that simple. */
export function affineOf(graph: Graph, node: Node, channels: Channels): Affine | undefined {
  return isAffine(node) ? affineMaps[node.op]!(graph, node, channels) : undefined;
}

const affineMaps: Readonly<Record<string, typeof affineOf>> = {
  BatchNormalization: normalisation,
  Mul: (graph, node, channels) => {
    const factor = constantOf(graph, node, channels);
    return factor && { factor, offset: factor.map(() => 0) };
  },
  Add: (graph, node, channels) => {
    const offset = constantOf(graph, node, channels);
    return offset && { factor: offset.map(() => 1), offset };
  },
};

function normalisation(graph: Graph, node: Node): Affine | undefined {
  const training = intAttribute(node, "training_mode", 0) === 1 || node.outputs.slice(1).some((name) => name !== "");
  const tensors = node.inputs.slice(1).map((name) => floats(graph, name));
  if (training || !tensors.every((tensor) => tensor !== undefined)) return undefined;
  const [scale, bias, mean, variance] = tensors.map((tensor) => [...tensor.data]) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const epsilon = floatAttribute(node, "epsilon", 1e-5);
  const factor = scale.map((value, channel) => value / Math.sqrt(variance[channel]! + epsilon));
  return { factor, offset: bias.map((value, channel) => value - factor[channel]! * mean[channel]!) };
}

/** The constant that a node reads beside its input: a value for each channel, or one for all. */
function constantOf(graph: Graph, node: Node, { count, rank }: Channels): readonly number[] | undefined {
  const constant = node.inputs.map((name) => floats(graph, name)).find((tensor) => tensor !== undefined);
  if (constant === undefined || constant.dims.length > rank) return undefined;
  if (constant.data.length === 1) return Array<number>(count).fill(constant.data[0]!);
  const dims = [...Array<number>(rank - constant.dims.length).fill(1), ...constant.dims];
  return dims.every((dim, axis) => dim === (axis === 1 ? count : 1)) ? [...constant.data] : undefined;
}
