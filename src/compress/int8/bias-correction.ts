import { copyModel, FreshNames, type Model } from "../../onnx/index.ts";
import { type OnValues, runForValues } from "./inner-runs.ts";
import { CalibrationNetwork } from "./network.ts";
import type { Unit } from "./units.ts";

/** Biases by node name. */
export type Biases = ReadonlyMap<string, Float32Array>;

export interface CorrectionOptions {
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Moves the bias of each linear node by the mean error that rounding its weights makes, channel by channel:
 * `b += mean(y_float) - mean(y_int)` (Nagel et al., ICCV 2019, section 4.2). Both means are taken on the same quantised
 * inputs, with float32 and with integer weights, so that a node answers for its own error alone: one pass corrects all
 * nodes, and no correction is made twice where errors travel on. MatMul has no bias to move.
 *
 * @param quantised the QDQ form of `model` with the biases given
 */
export async function correctBiases(
  model: Model,
  quantised: Model,
  units: readonly Unit[],
  biases: Biases,
  images: readonly Float32Array[],
  { threads, signal }: CorrectionOptions,
): Promise<Biases> {
  const linear = units.filter(({ role, node }) => role === "linear" && node.op !== "MatMul");
  const { model: paired, pairs } = withFloatTwins(model, quantised, linear);
  const extra = pairs.flatMap(({ float, integer }) => [float, integer]);
  await using network = await CalibrationNetwork.open(paired, { threads, form: "written", extra });
  const errors = pairs.map(({ channels }) => new Float64Array(channels));
  const addAll: OnValues = (batch, values) => {
    for (const [at, { float, integer, isConv }] of pairs.entries()) {
      const [wanted, got] = [values.get(float)!, values.get(integer)!];
      const stride = isConv ? wanted.length / batch.count / errors[at]!.length : 1;
      addMeanDifference(errors[at]!, wanted, got, stride, batch.count / images.length);
    }
  };
  await runForValues(network, images, addAll, signal);
  return new Map(pairs.map(({ node }, at) => [node, shifted(biases.get(node), errors[at]!)]));
}

const shifted = (bias: Float32Array | undefined, errors: Float64Array): Float32Array =>
  Float32Array.from(errors, (error, channel) => (bias?.[channel] ?? 0) + error);

/** What a node gives with integer and with float32 weights. */
interface Pair {
  readonly node: string;
  readonly float: string;
  readonly integer: string;
  readonly channels: number;
  /** Channels are the second axis of a convolution's output, the last of a product's. */
  readonly isConv: boolean;
}

/** Puts a float32 copy of each linear node beside the quantised one, reading the same. */
function withFloatTwins(original: Model, quantised: Model, units: readonly Unit[]): { model: Model; pairs: Pair[] } {
  const model = copyModel(quantised);
  const { graph } = model;
  const names = new FreshNames(graph);
  const written = new Map(graph.nodes.map((node) => [node.name, node]));
  const pairs = units.map(({ node, channels }): Pair => {
    const integer = written.get(node.name)!;
    const parameters = node.inputs.slice(1).map((name) => {
      const copy = names.take(`${name}_float`);
      if (name !== "") graph.constants.set(copy, original.graph.constants.get(name)!);
      return name === "" ? "" : copy;
    });
    const float = names.take(`${node.name}_float`);
    graph.nodes.push({ ...integer, name: float, inputs: [integer.inputs[0]!, ...parameters], outputs: [float] });
    return { node: node.name, float, integer: integer.outputs[0]!, channels, isConv: node.op === "Conv" };
  });
  return { model, pairs };
}

/** Adds the weighted mean of `wanted - got` of each channel; a channel's values lie in rows of `stride`. */
function addMeanDifference(
  errors: Float64Array,
  wanted: Float32Array,
  got: Float32Array,
  stride: number,
  weight: number,
): void {
  const share = (weight * errors.length) / wanted.length;
  for (let start = 0, channel = 0; start < wanted.length; start += stride) {
    let sum = 0;
    for (let at = start; at < start + stride; at++) sum += wanted[at]! - got[at]!;
    errors[channel]! += sum * share;
    channel = channel + 1 === errors.length ? 0 : channel + 1;
  }
}
