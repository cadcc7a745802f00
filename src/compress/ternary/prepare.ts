import { UnsupportedOperatorError } from "../../errors.ts";
import {
  copyModel,
  FreshNames,
  float32,
  floatAttribute,
  type Model,
  type Node,
  producers,
  type Rewrite,
} from "../../onnx/index.ts";
import { prepare } from "../int8/prepare.ts";
import { findUnits, type Unit } from "../int8/units.ts";
import { simplify } from "../surgery/index.ts";
import { integerOperators } from "./operators.ts";
import { toGlobalPooling } from "./pooling.ts";
import { scalingsToConvolutions } from "./scalings.ts";

/**
 * The network in the form that is trained with quantisers: constants and BatchNormalization folded, scaled products made
 * plain, every layer with weights of its own, scalings of channels as convolutions, pooling of whole pictures as
 * GlobalAveragePool, and Clip(0, c) written as Relu, since the codes of its output end at c.
 *
 * @throws UnsupportedOperatorError or ModelError for a model that cannot be prepared
 */
export async function prepareToLearn(model: Model): Promise<Model> {
  const pictures = scalingsToConvolutions(toGlobalPooling(await simplify(model)));
  return namedApart(clipsToRelu(plainGemm(await prepare(pictures))));
}

/**
 * The nodes of a prepared network, all of which compute in integers; the last gives float32 logits.
 *
 * @throws UnsupportedOperatorError that names the first node that cannot
 */
export function integerUnits(model: Model): readonly Unit[] {
  const { units, float } = findUnits(model);
  const [first] = float;
  if (first !== undefined) throw refused(first.node, first.reason);
  for (const { node, inputs } of units) {
    if (!integerOperators.includes(node.op)) throw refused(node, `known: ${integerOperators.join(", ")}`);
    if (inputs.some((name) => model.graph.constants.has(name))) throw refused(node, "it reads a constant");
  }
  return units;
}

const refused = ({ op, name }: Node, reason: string): UnsupportedOperatorError =>
  new UnsupportedOperatorError(op, name, `has no place in a network of integers alone: ${reason}`);

/** Multiplies alpha and beta of every Gemm with constant parameters into these. */
const plainGemm: Rewrite = (model) => {
  const result = copyModel(model);
  const { constants, nodes } = result.graph;
  const names = new FreshNames(result.graph);
  const multiply = (node: Node, input: number, factor: number): void => {
    const { data, dims } = constants.get(node.inputs[input]!)!;
    node.inputs[input] = names.take(node.inputs[input]!);
    constants.set(
      node.inputs[input],
      float32(
        (data as Float32Array).map((value) => factor * value),
        dims,
      ),
    );
  };
  for (const node of nodes.filter(({ op, domain }) => op === "Gemm" && domain === "")) {
    if (!node.inputs.slice(1).every((name) => constants.get(name)?.type === "float32")) continue;
    multiply(node, 1, floatAttribute(node, "alpha", 1));
    if (node.inputs[2]) multiply(node, 2, floatAttribute(node, "beta", 1));
    node.attributes.delete("alpha");
    node.attributes.delete("beta");
  }
  return result;
};

const clipsToRelu: Rewrite = (model) => {
  const result = copyModel(model);
  for (const { node, activation } of findUnits(model).units) {
    const at = result.graph.nodes.findIndex(({ name }) => name === activation?.name);
    const clip = result.graph.nodes[at];
    if (clip?.op === "Clip" && node.name !== clip.name) {
      clip.op = "Relu";
      clip.inputs = clip.inputs.slice(0, 1);
    }
  }
  return result;
};

/** Gives convolutions names that no value has: what normalises their values is named after these. */
const namedApart: Rewrite = (model) => {
  const result = copyModel(model);
  const names = new FreshNames(result.graph);
  const values = producers(result.graph);
  for (const node of result.graph.nodes) {
    if (node.op === "Conv" && values.has(node.name)) node.name = names.take(node.name);
  }
  return result;
};
