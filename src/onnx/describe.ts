import { type ModelCost, modelCost } from "./cost.ts";
import type { Model, ValueInfo } from "./graph.ts";
import { errorAbout } from "./named.ts";
import { inferShapes } from "./shapes.ts";

/** What `inspect` shows of a model. */
export interface ModelDescription {
  readonly producer: string;
  readonly opset: number;
  /** Versions of further operator sets, by domain. */
  readonly otherOpsets: Readonly<Record<string, number>>;
  readonly irVersion: number;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** How often each operator occurs, most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  readonly cost: ModelCost;
}

/**
 * Describes a model: its interface, its operators, and what each layer costs for one image.
 *
 * @throws ModelError and UnsupportedOperatorError as `modelCost` does; they name the file that the model was read from
 */
export function describeModel(model: Model): ModelDescription {
  try {
    return descriptionOf(model);
  } catch (error) {
    throw errorAbout(model, error);
  }
}

function descriptionOf(model: Model): ModelDescription {
  const values = inferShapes({ ...model, graph: { ...model.graph } });
  return {
    producer: model.producer,
    opset: model.opset,
    otherOpsets: Object.fromEntries(model.otherOpsets),
    irVersion: model.irVersion,
    inputs: model.graph.inputs,
    outputs: model.graph.outputs.map((output) => values.get(output.name) ?? output),
    operators: countOperators(model),
    cost: modelCost(model),
  };
}

function countOperators(model: Model): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of model.graph.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
