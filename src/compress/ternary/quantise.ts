import type { Model } from "../../onnx/index.ts";
import { type Dataset, insertQuantisers } from "../../train/index.ts";
import { isLinear } from "../int8/operators.ts";
import { observedValues } from "../int8/plan.ts";
import { findUnits, type Unit } from "../int8/units.ts";
import { type NormaliseOptions, withBatchNormalization } from "./normalise.ts";

/** Bits of weights that are not ternary. On processors without VNNI products of 8 bits lose their upper bits. */
const weightBits = 7;
const activationBits = 8;

export interface WeightOptions extends NormaliseOptions {
  /** Names of the layers whose weights become ternary; the other integer layers have 7 bits. */
  readonly ternary: readonly string[];
}

/**
 * Puts quantisers into a prepared network: 8 bits for every value that integer nodes read or make, ternary or 7-bit weights,
 * and BatchNormalization behind the convolutions.
 *
 * @param data - images from which statistics and steps start
 */
export async function withQuantisers(prepared: Model, data: Dataset, options: WeightOptions): Promise<Model> {
  const { ternary, ...spec } = options;
  const { units } = findUnits(prepared);
  const layers = linearNames(units);
  const normalised = await withBatchNormalization(prepared, data, spec, layers);
  const activations = { bits: activationBits, values: roundedValues(prepared, units) };
  const others = layersOf(prepared).filter((name) => !layers.includes(name));
  const wide = layers.filter((name) => !ternary.includes(name));
  const inner = await insertQuantisers(normalised, data, {
    ...spec,
    activations,
    weights: "ternary",
    except: [...others, ...wide],
  });
  return await insertQuantisers(inner, data, { ...spec, weights: { bits: weightBits }, except: others });
}

/** Names of the layers of integer products, in order. */
export const linearNames = (units: readonly Unit[]): string[] =>
  units.filter(({ role }) => role === "linear").map(({ node }) => node.name);

/** Values with codes of their own: those of movements are the codes of what they move. */
function roundedValues(model: Model, units: readonly Unit[]): string[] {
  const moved = new Set(units.filter(({ role }) => role === "movement").map(({ output }) => output));
  return observedValues(model, units).filter((name) => !moved.has(name));
}

const layersOf = ({ graph }: Model): string[] =>
  graph.nodes
    .filter((node) => isLinear(node) && graph.constants.get(node.inputs[1]!)?.type === "float32")
    .map(({ name }) => name);
