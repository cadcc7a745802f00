import { copyModel, type Model, redirect } from "../../onnx/index.ts";
import { quantisersOf } from "../../train/index.ts";
import type { Affine, QuantizedWeights } from "../int8/affine.ts";
import { biasesOf, largestBiasCode } from "../int8/plan.ts";
import { insertQdq, type QuantizationPlan } from "../int8/qdq.ts";
import { findUnits, type Unit } from "../int8/units.ts";
import { foldIntoQuantisers } from "./normalise.ts";

/**
 * The integers of a trained network with quantisers as a QDQ model: u8 activations, s8 weights with a scale an output
 * channel, s32 biases. It answers as the trained network, but for biases rounded to input scale x weight scale.
 */
export function integerModel(trained: Model): Model {
  const { model, plan } = integersOf(trained);
  return insertQdq(model, plan);
}

/** A trained network without its quantisers and BatchNormalization, and the integers that these made. */
export function integersOf(trained: Model): { model: Model; plan: QuantizationPlan } {
  const folded = foldIntoQuantisers(trained);
  const { weights, values } = quantisersOf(folded);
  const model = copyModel(folded);
  const { graph } = model;
  for (const { output, value } of values) redirect(graph, output, value);
  for (const { output, weights: latent } of weights) redirect(graph, output, latent);
  const made = new Set([...weights, ...values].map(({ output }) => output));
  graph.nodes = graph.nodes.filter(({ outputs }) => !made.has(outputs[0]!));
  model.otherOpsets.clear();
  const { units } = findUnits(model);
  const biases = biasesOf(model, units);
  const affine = affineValues(units, new Map(values.map(({ value, step, low }) => [value, affineOf(step, low)])));
  const byLatent = new Map(weights.map((layer) => [layer.weights, layer]));
  const layers = units.filter(({ role }) => role === "linear");
  const codes = layers.map(({ node, inputs }): [string, QuantizedWeights] => {
    const { codes, dims, scales, axis, kind } = byLatent.get(node.inputs[1]!)!;
    const input = affine.get(inputs[0]!)!;
    const bits = kind === "ternary" ? 2 : 8;
    const wide = scalesFor(scales, biases.get(node.name), input);
    return [node.name, { codes: { type: "int8", dims, data: codes }, scales: wide, axis, bits }];
  });
  return { model, plan: { units, values: affine, weights: new Map(codes), biases } };
}

/** Codes of activations are unsigned: those of signed values are moved up. */
const affineOf = (step: number, low: number): Affine => ({ scale: Math.fround(step), zeroPoint: 0 - low });

/** The codes of all values: what a movement makes has those of what it moves. */
function affineValues(units: readonly Unit[], rounded: ReadonlyMap<string, Affine>): Map<string, Affine> {
  const all = new Map(rounded);
  for (const { role, inputs, output } of units) if (role === "movement") all.set(output, all.get(inputs[0]!)!);
  return all;
}

/** Large enough for the bias codes; only a channel without weights has a smaller one. */
const scalesFor = (scales: Float32Array, bias: Float32Array | undefined, input: Affine): Float32Array =>
  scales.map((scale, channel) =>
    Math.max(scale, Math.abs(bias?.[channel] ?? 0) / (input.scale * largestBiasCode), 2 ** -60),
  );
