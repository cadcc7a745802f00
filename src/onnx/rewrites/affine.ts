import type { FreshNames } from "../edit.ts";
import { floatAttribute, type Graph, intAttribute, type Node } from "../graph.ts";
import { float32, type Tensor } from "../tensor.ts";

/** y = factor x + offset, channel by channel. */
export interface Affine {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

/** The outputs of a linear node: how many channels they have, on the second of how many axes. */
export interface Channels {
  readonly count: number;
  readonly rank: number;
}

/** The channels that a node with constant float32 weights makes; undefined for other nodes. */
export function channelsOf(graph: Graph, node: Node): Channels | undefined {
  const axis = channelAxis(node);
  const weights = floats(graph, node.inputs[1] ?? "");
  return axis === undefined || weights === undefined
    ? undefined
    : { count: weights.dims[axis]!, rank: weights.dims.length };
}

/** A float32 constant. */
export function floats(graph: Graph, name: string): (Tensor & { data: Float32Array }) | undefined {
  const tensor = graph.constants.get(name);
  return tensor?.data instanceof Float32Array ? { ...tensor, data: tensor.data } : undefined;
}

/** Gives a linear node weights that compute the affine map too; false when it has none that can. */
export function absorb(graph: Graph, node: Node, { factor, offset }: Affine, names: FreshNames): boolean {
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
