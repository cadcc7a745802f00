import type { Model } from "../../onnx/index.ts";
import { type Affine, affineOf, type QuantizedWeights, quantizeWeights } from "./affine.ts";
import type { Histogram } from "./histogram.ts";
import { isDepthwise, isProduct, outputAxis } from "./operators.ts";
import type { QuantizationPlan } from "./qdq.ts";
import { type Range, type RangeMethod, rangeOf } from "./ranges.ts";
import type { Unit } from "./units.ts";

/** A bias code stays below this, so that adding products to it cannot leave 32 bits. */
export const largestBiasCode = 2 ** 30;

/**
 * The values that take codes: what integer nodes read and make. A matrix product gives float32 where no integer node
 * reads it, so logits keep their precision.
 */
export function quantizedValues(units: readonly Unit[]): Set<string> {
  const made = units.filter(({ node, activation }) => !isProduct(node) || activation !== undefined);
  return new Set([...units.flatMap((unit) => unit.inputs), ...made.map((unit) => unit.output)]);
}

/** The quantised values whose range has to be observed: all but constants. */
export function observedValues(model: Model, units: readonly Unit[]): string[] {
  return [...quantizedValues(units)].filter((name) => !model.graph.constants.has(name));
}

/** Each quantised value's range. What a movement makes has the range of what it moves. */
export function rangesOf(
  model: Model,
  units: readonly Unit[],
  histograms: ReadonlyMap<string, Histogram>,
  method: RangeMethod,
): Map<string, Range> {
  const ranges = new Map<string, Range>();
  for (const name of observedValues(model, units)) ranges.set(name, rangeOf(histograms.get(name)!, method));
  for (const { role, inputs, output } of units) {
    for (const name of inputs) if (!ranges.has(name)) ranges.set(name, constantRange(model, name));
    if (role === "movement") ranges.set(output, ranges.get(inputs[0]!)!);
  }
  return ranges;
}

function constantRange(model: Model, name: string): Range {
  const data = model.graph.constants.get(name)!.data as Float32Array;
  return { low: data.reduce((a, b) => Math.min(a, b), 0), high: data.reduce((a, b) => Math.max(a, b), 0) };
}

/** Codes for values, weights and biases. */
export function planOf(
  model: Model,
  units: readonly Unit[],
  ranges: ReadonlyMap<string, Range>,
  weightBits: number,
  biases: ReadonlyMap<string, Float32Array> = biasesOf(model, units),
): QuantizationPlan {
  const values = new Map([...quantizedValues(units)].map((name) => [name, affineOf(ranges.get(name)!)]));
  const linear = units.filter((unit) => unit.role === "linear");
  const weights = linear.map((unit) => {
    const bias = biases.get(unit.node.name);
    return [unit.node.name, weightsOf(model, unit, values.get(unit.inputs[0]!)!, weightBits, bias)] as const;
  });
  return { units, values, weights: new Map(weights), biases };
}

/** Scales are large enough for the bias, which is stored in units of input scale x weight scale. */
function weightsOf(model: Model, { node }: Unit, input: Affine, bits: number, bias?: Float32Array): QuantizedWeights {
  const smallest = (channel: number): number => Math.abs(bias?.[channel] ?? 0) / (input.scale * largestBiasCode);
  const unsaturated = bits === 7 && isDepthwise(model.graph, node);
  const weights = model.graph.constants.get(node.inputs[1]!)!;
  return quantizeWeights(weights, outputAxis(node), unsaturated ? 8 : bits, smallest);
}

/** The biases that the model has, by node name. */
export function biasesOf(model: Model, units: readonly Unit[]): Map<string, Float32Array> {
  const stored = units.filter(({ role, node }) => role === "linear" && node.inputs[2]);
  return new Map(
    stored.map(({ node }) => [node.name, model.graph.constants.get(node.inputs[2]!)!.data as Float32Array]),
  );
}
