import type { Model } from "../../onnx/index.ts";
import { type OnValues, runForValues } from "./inner-runs.ts";
import { CalibrationNetwork, type NetworkOptions } from "./network.ts";
import type { Unit } from "./units.ts";

/** Mean of each output channel of linear nodes, by node name. */
export type ChannelMeans = ReadonlyMap<string, Float64Array>;
/** Biases by node name. */
export type Biases = ReadonlyMap<string, Float32Array>;

/** How often all biases are corrected at once. */
const rounds = 2;

/**
 * Moves the biases of linear nodes until their outputs have the mean, channel by channel, that they have in float32:
 * `b += mean(y_float) - mean(y_int)` (Nagel et al., ICCV 2019, section 4.2, with means measured on images). All nodes
 * are corrected at once; a further round takes back what the correction of earlier nodes had done for later ones.
 *
 * @param wanted means of the float32 network
 * @param measured gives the means of the integer network with the biases given
 */
export async function correctBiases(
  biases: Biases,
  wanted: ChannelMeans,
  measured: (biases: Biases, round: number) => Promise<ChannelMeans>,
): Promise<Biases> {
  let corrected = biases;
  for (let round = 0; round < rounds; round++) {
    corrected = shifted(corrected, wanted, await measured(corrected, round));
  }
  return corrected;
}

function shifted(biases: Biases, wanted: ChannelMeans, got: ChannelMeans): Biases {
  const entries = [...got].map(([node, means]) => {
    const [bias, target] = [biases.get(node), wanted.get(node)!];
    return [node, Float32Array.from(means, (mean, at) => (bias?.[at] ?? 0) + target[at]! - mean)] as const;
  });
  return new Map(entries);
}

/** Means over images and positions of what linear nodes make, before any activation. */
export async function channelMeans(
  model: Model,
  units: readonly Unit[],
  images: readonly Float32Array[],
  options: NetworkOptions,
  signal?: AbortSignal,
): Promise<ChannelMeans> {
  const linear = units.filter((unit) => unit.role === "linear");
  const extra = linear.map((unit) => unit.node.outputs[0]!);
  await using network = await CalibrationNetwork.open(model, { ...options, extra });
  const sums = new Map(linear.map((unit) => [unit.node.name, new Float64Array(unit.channels)]));
  const addAll: OnValues = (batch, values) => {
    for (const { node } of linear) {
      const inner = values.get(node.outputs[0]!)!;
      const sum = sums.get(node.name)!;
      addMeans(sum, inner, node.op === "Conv" ? inner.length / batch.count / sum.length : 1, batch.count);
    }
  };
  await runForValues(network, images, addAll, signal);
  for (const sum of sums.values()) for (const [at, value] of sum.entries()) sum[at] = value / images.length;
  return sums;
}

/** Adds each channel's mean times the number of images; a channel's values lie in rows of `stride`. */
function addMeans(sums: Float64Array, values: Float32Array, stride: number, images: number): void {
  const share = (images * sums.length) / values.length;
  for (let start = 0, channel = 0; start < values.length; start += stride) {
    let sum = 0;
    for (let at = start; at < start + stride; at++) sum += values[at]!;
    sums[channel]! += sum * share;
    channel = channel + 1 === sums.length ? 0 : channel + 1;
  }
}
