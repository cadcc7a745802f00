import { UnsupportedOperatorError } from "../../../errors.ts";
import { type Model, type Node, removeDeadNodes } from "../../../onnx/index.ts";
import { Coded } from "./coded.ts";
import { layerOf } from "./layers.ts";
import type { IntegerForm, Layer } from "./types.ts";

/**
 * The integer form of a QDQ model in which every node computes in integers, and whose last matrix product gives the logits:
 * what `ternary` makes, and `int8` of plain networks.
 *
 * @throws UnsupportedOperatorError that names the first node that has no such form
 */
export function integerForm(qdq: Model): IntegerForm {
  const coded = new Coded(removeDeadNodes(qdq));
  const layers: Layer[] = [];
  const {
    input,
    model: { graph },
    values,
  } = coded;
  for (const node of graph.nodes) {
    if (isLinearQuantisation(node)) continue;
    refuseFloat(node, layers);
    layers.push(layerOf(node, coded));
  }
  return { input, output: graph.outputs[0]!.name, values, layers };
}

const isLinearQuantisation = ({ op, domain }: Node): boolean =>
  domain === "" && (op === "QuantizeLinear" || op === "DequantizeLinear");

/** Nothing may follow the logits. */
function refuseFloat({ op, name }: Node, layers: readonly Layer[]): void {
  if (layers.at(-1)?.kind !== "logits") return;
  throw new UnsupportedOperatorError(
    op,
    name,
    `follows the logits "${layers.at(-1)!.output}", where the integer form ends`,
  );
}
