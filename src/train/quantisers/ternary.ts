import type { Graph, Model, Tensor } from "../../onnx/index.ts";
import type { Parameter } from "../parameters.ts";
import { channelIndex, channelMeans } from "./channels.ts";
import { channelAxis, isQuantiser, ternaryWeights } from "./nodes.ts";

/** 0.7 of the mean magnitude, for each output channel. Source: Li, Liu, "Ternary weight networks", 2016. */
export const ternaryThresholds = (weights: ArrayLike<number>, dims: readonly number[], axis: number): Float32Array =>
  channelMeans(weights, dims, axis, Math.abs).map((mean) => 0.7 * mean);

/** The mean magnitude of the weights above the threshold, for each output channel. */
export function ternaryScales(
  weights: ArrayLike<number>,
  dims: readonly number[],
  axis: number,
  thresholds: Float32Array,
): Float32Array {
  return channelMeans(weights, dims, axis, (value, channel) =>
    Math.abs(value) > thresholds[channel]! ? Math.abs(value) : undefined,
  );
}

/** -1, 0 and 1. */
export function ternaryCodes({ data, dims }: Tensor, axis: number, thresholds: Float32Array): Int8Array {
  const channelOf = channelIndex(dims, axis);
  return Int8Array.from(data as Float32Array, (value, i) =>
    Math.abs(value) > thresholds[channelOf(i)]! ? Math.sign(value) : 0,
  );
}

/** Derives the thresholds of all ternary weights anew from the weights, in a copy of the flat vector of parameters. */
export function withThresholds(graph: Graph, layout: readonly Parameter[], flat: Float32Array): Float32Array {
  const nodes = graph.nodes.filter((node) => isQuantiser(node) && node.op === ternaryWeights);
  if (nodes.length === 0) return flat;
  const result = flat.slice();
  const placed = new Map(layout.map((parameter) => [parameter.name, parameter]));
  for (const node of nodes) {
    const [weights, threshold] = [placed.get(node.inputs[0]!), placed.get(node.inputs[2]!)];
    if (weights === undefined || threshold === undefined) continue;
    const { offset, size, dims } = weights;
    result.set(ternaryThresholds(flat.subarray(offset, offset + size), dims, channelAxis(node)!), threshold.offset);
  }
  return result;
}

/** Whether a network has ternary weights. */
export const isTernary = ({ graph }: Model): boolean =>
  graph.nodes.some((node) => isQuantiser(node) && node.op === ternaryWeights);
