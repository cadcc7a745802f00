import { consumers, copyModel, FreshNames, producers, type Rewrite } from "../edit.ts";
import { floatAttribute, type Graph, intAttribute, type Node } from "../graph.ts";
import { float32, type Tensor } from "../tensor.ts";
import { removeDeadNodes } from "./dead.ts";

/** y = factor x + offset, channel by channel. */
interface Affine {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

/**
 * Folds every BatchNormalization in inference mode into the Conv, ConvTranspose or Gemm whose only reader it is. Weights
 * must be float32 constants. Where this does not hold the node stays.
 */
export const foldBatchNormalization: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  const readers = consumers(graph);
  const makers = producers(graph);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  for (const node of graph.nodes.filter((node) => node.op === "BatchNormalization" && node.domain === "")) {
    const source = makers.get(node.inputs[0]!);
    const alone = readers.get(node.inputs[0]!)?.length === 1 && !outputs.has(node.inputs[0]!);
    const affine = affineOf(graph, node);
    if (source === undefined || !alone || affine === undefined || !absorb(graph, source, affine, names)) continue;
    graph.values.delete(source.outputs[0]!);
    source.outputs = [node.outputs[0]!];
    makers.set(node.outputs[0]!, source);
    graph.nodes.splice(graph.nodes.indexOf(node), 1);
  }
  return removeDeadNodes(result);
};

function affineOf(graph: Graph, node: Node): Affine | undefined {
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

/** A float32 constant. */
function floats(graph: Graph, name: string): (Tensor & { data: Float32Array }) | undefined {
  const tensor = graph.constants.get(name);
  return tensor?.data instanceof Float32Array ? { ...tensor, data: tensor.data } : undefined;
}

/** Gives a linear node weights that compute the affine map too; false when it has none that can. */
function absorb(graph: Graph, node: Node, { factor, offset }: Affine, names: FreshNames): boolean {
  const axis = channelAxis(node);
  const weights = floats(graph, node.inputs[1] ?? "");
  const bias = biasOf(graph, node, factor.length);
  if (axis === undefined || weights?.dims[axis] !== factor.length || bias === undefined) return false;
  const stride = weights.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const scaled = weights.data.map((value, at) => value * factor[Math.floor(at / stride) % factor.length]!);
  const shifted = factor.map((value, channel) => value * bias[channel]! + offset[channel]!);
  node.inputs = [node.inputs[0]!, names.take(node.inputs[1]!), names.take(node.inputs[2] || `${node.outputs[0]}_bias`)];
  graph.constants.set(node.inputs[1]!, float32(scaled, weights.dims));
  graph.constants.set(node.inputs[2]!, float32(shifted));
  return true;
}

/** The axis of the weights that holds output channels. */
function channelAxis(node: Node): number | undefined {
  if (node.domain !== "") return undefined;
  if (node.op === "Conv") return 0;
  if (node.op === "ConvTranspose") return intAttribute(node, "group", 1) === 1 ? 1 : undefined;
  const plain = floatAttribute(node, "alpha", 1) === 1 && floatAttribute(node, "beta", 1) === 1;
  return node.op === "Gemm" && plain ? 1 - intAttribute(node, "transB", 0) : undefined;
}

/** A bias a channel, zeros when there is none; undefined when it is computed, or is of another form. */
function biasOf(graph: Graph, node: Node, channels: number): readonly number[] | undefined {
  const name = node.inputs[2] ?? "";
  if (name === "") return Array<number>(channels).fill(0);
  const bias = floats(graph, name);
  return bias?.dims.at(-1) === channels && bias.data.length === channels ? [...bias.data] : undefined;
}
