import { UsageError, unknownValue } from "../../errors.ts";
import {
  attr,
  copyModel,
  FreshNames,
  float32,
  intAttribute,
  liftConstants,
  type Model,
  type Node,
  redirect,
  sizeOf,
  type Tensor,
} from "../../onnx/index.ts";
import type { Dataset } from "../dataset.ts";
import { trainingDomain } from "../straight-through.ts";
import { channelLargest, channelMeans } from "./channels.ts";
import { learnedStep, quantiserNode, ternaryWeights } from "./nodes.ts";
import { type Observed, type ObserveOptions, observeValues } from "./observe.ts";
import { ternaryScales, ternaryThresholds } from "./ternary.ts";

/** How a network is to be quantised in training. */
export interface QuantiserOptions extends ObserveOptions {
  /** Of each Conv, Gemm and MatMul with constant weights: {-1, 0, 1} or so many bits, with a scale an output channel. */
  readonly weights: "ternary" | { readonly bits: number };
  /**
   * Bits of what these layers read, one step a value; float when absent. Values below zero make the integers signed. Where
   * `values` names values, these are rounded instead, for all that read them.
   */
  readonly activations?: { readonly bits: number; readonly values?: readonly string[] };
  /** Names of nodes that stay as they are. Those whose weights are quantised already do, too. */
  readonly except?: readonly string[];
}

/**
 * Puts quantisers before the weights and inputs of layers. Their steps are constants that {@link train} learns with the
 * weights, starting from `2 mean|x| / sqrt(high)` (Esser et al., 2020), or `max|x| / high` where this is less, or for ternary
 * weights from the thresholds and scales of Li and Liu (2016). The result is a network for training only: {@link withFloatQuantisers} makes it run anywhere,
 * {@link quantisersOf} tells its integers.
 *
 * @param data - images from which the steps of activations start
 * @throws UsageError for a bit width outside 2..8, an exception that is no layer, or a value that the network does not have
 */
export async function insertQuantisers(network: Model, data: Dataset, options: QuantiserOptions): Promise<Model> {
  checkBits(options);
  const model = copyModel(liftConstants(network));
  const layers = layersOf(model, options.except ?? []);
  const values = options.activations?.values;
  checkValues(model, values ?? []);
  const read = values ?? [...new Set(layers.map((node) => node.inputs[0]!))];
  const observed = await observeValues(model, data, options.activations === undefined ? [] : read, options);
  const inserter = new Inserter(model, options, observed);
  for (const value of values ?? []) inserter.quantiseValue(value);
  for (const node of layers) inserter.quantise(node);
  model.otherOpsets.set(trainingDomain, 1);
  return model;
}

function checkBits({ weights, activations }: QuantiserOptions): void {
  const widths = { weights: weights === "ternary" ? undefined : weights.bits, activations: activations?.bits };
  for (const [what, bits] of Object.entries(widths)) {
    if (bits !== undefined && !(Number.isInteger(bits) && bits >= 2 && bits <= 8)) {
      throw new UsageError(`bits of ${what} must be a whole number in 2..8, received ${bits}`);
    }
  }
}

function checkValues({ graph }: Model, values: readonly string[]): void {
  const known = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  const unknown = values.find((value) => !known.includes(value));
  if (unknown !== undefined) throw new UsageError(unknownValue("value to quantise", unknown, known));
}

function layersOf({ graph }: Model, except: readonly string[]): Node[] {
  const layers = graph.nodes.filter(
    ({ op, domain, inputs }) =>
      domain === "" && ["Conv", "Gemm", "MatMul"].includes(op) && graph.constants.get(inputs[1]!)?.type === "float32",
  );
  const names = layers.map(({ name }) => name);
  const unknown = except.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(unknownValue("layer to leave out", unknown, names));
  return layers.filter(({ name }) => !except.includes(name));
}

/** Rewires one layer after the other; a value or weight that several read is quantised once. */
class Inserter {
  readonly #model: Model;
  readonly #options: QuantiserOptions;
  readonly #observed: ReadonlyMap<string, Observed>;
  readonly #names: FreshNames;
  readonly #done = new Map<string, string>();

  constructor(model: Model, options: QuantiserOptions, observed: ReadonlyMap<string, Observed>) {
    this.#model = model;
    this.#options = options;
    this.#observed = observed;
    this.#names = new FreshNames(model.graph);
  }

  quantise(layer: Node): void {
    const [value, weights] = layer.inputs as [string, string];
    const { activations } = this.#options;
    if (activations !== undefined && activations.values === undefined)
      layer.inputs[0] = this.#once(value, layer, () => this.#activation(value));
    layer.inputs[1] = this.#once(weights, layer, () => this.#weights(weights, outputAxis(layer)));
  }

  /** Rounds a value for all that read it. */
  quantiseValue(value: string): void {
    const { graph } = this.#model;
    const node = this.#activation(value);
    redirect(graph, value, node.outputs[0]!);
    graph.nodes.splice(graph.nodes.findIndex(({ outputs }) => outputs.includes(value)) + 1, 0, node);
  }

  #once(value: string, before: Node, make: () => Node): string {
    const done = this.#done.get(value);
    if (done !== undefined) return done;
    const node = make();
    const { nodes } = this.#model.graph;
    nodes.splice(nodes.indexOf(before), 0, node);
    this.#done.set(value, node.outputs[0]!);
    return node.outputs[0]!;
  }

  #activation(value: string): Node {
    const { bits } = this.#options.activations!;
    const { magnitude, least, largest, elements } = this.#observed.get(value)!;
    const [low, high] = least < 0 ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
    const step = this.#store(value, "step", Float32Array.of(startingStep(magnitude, largest, high)));
    const share = attr.float(1 / Math.sqrt(elements * high));
    return quantiserNode(learnedStep, [value, step], this.#output(value), { rank: 1 }, { low, high, share });
  }

  #weights(name: string, axis: number): Node {
    const tensor = this.#model.graph.constants.get(name)!;
    return this.#options.weights === "ternary"
      ? this.#ternary(name, tensor, axis)
      : this.#linear(name, tensor, axis, this.#options.weights.bits);
  }

  #linear(name: string, { data, dims }: Tensor, axis: number, bits: number): Node {
    const high = 2 ** (bits - 1) - 1;
    const means = channelMeans(data as Float32Array, dims, axis, Math.abs);
    const most = channelLargest(data as Float32Array, dims, axis);
    const steps = means.map((mean, channel) => startingStep(mean, most[channel]!, high));
    const step = this.#store(name, "step", steps);
    const share = attr.float(1 / Math.sqrt((sizeOf(dims) / dims[axis]!) * high));
    const place = { axis, rank: dims.length };
    return quantiserNode(learnedStep, [name, step], this.#output(name), place, { low: -high, high, share });
  }

  #ternary(name: string, { data, dims }: Tensor, axis: number): Node {
    const thresholds = ternaryThresholds(data as Float32Array, dims, axis);
    const scales = ternaryScales(data as Float32Array, dims, axis, thresholds);
    const inputs = [name, this.#store(name, "scale", scales), this.#store(name, "threshold", thresholds)] as const;
    const share = attr.float(1 / Math.sqrt(sizeOf(dims) / dims[axis]!));
    return quantiserNode(ternaryWeights, inputs, this.#output(name), { axis, rank: dims.length }, { share });
  }

  #store(value: string, what: string, data: Float32Array): string {
    const name = this.#names.take(`${value}/${what}`);
    this.#model.graph.constants.set(name, float32(data));
    return name;
  }

  #output(value: string): string {
    return this.#names.take(`${value}/quantised`);
  }
}

/** A step is never zero: a value that was never anything else is divided by it. */
const startingStep = (magnitude: number, largest: number, high: number): number =>
  Math.max(Math.min((2 * magnitude) / Math.sqrt(high), largest / high), 1e-6);

/** The axis of a layer's weights along which its outputs lie. */
function outputAxis(layer: Node): number {
  if (layer.op === "Conv") return 0;
  return layer.op === "Gemm" && intAttribute(layer, "transB", 0) === 1 ? 0 : 1;
}
