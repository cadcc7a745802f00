import { UnsupportedOperatorError } from "../../errors.ts";
import {
  copyModel,
  FreshNames,
  foldBatchNormalization,
  foldConstants,
  type Model,
  type Node,
  raiseOpset,
  removeIdentity,
} from "../../onnx/index.ts";
import { pointwiseToGemm } from "./pointwise.ts";

/** The first operator set whose QuantizeLinear has a scale for each channel. */
const requiredOpset = 13;

/**
 * The same network in the form that quantises well: constants folded, batch normalisation inside the
 * convolutions, no identities, convolutions of single pixels as matrix products, every node with a name of its own. Throws UnsupportedOperatorError or ModelError.
 */
export async function prepare(model: Model): Promise<Model> {
  for (const node of model.graph.nodes) refuse(node);
  const raised = model.opset < requiredOpset ? raiseOpset(model) : model;
  return namedApart(pointwiseToGemm(foldBatchNormalization(removeIdentity(await foldConstants(raised)))));
}

function refuse(node: Node): void {
  const name = node.name || node.outputs[0]!;
  if ([...node.attributes.values()].some((attribute) => attribute.kind === "graph")) {
    throw new UnsupportedOperatorError(node.op, name, "has graphs inside; int8 takes models without control flow");
  }
  if (node.op === "QuantizeLinear" || node.op === "DequantizeLinear" || node.op.startsWith("QLinear")) {
    throw new UnsupportedOperatorError(node.op, name, "the model is quantised already; give the float32 one");
  }
}

function namedApart(model: Model): Model {
  const result = copyModel(model);
  const names = new FreshNames({ ...result.graph, nodes: [] });
  for (const node of result.graph.nodes) node.name = names.take(node.name || `${node.op}_${node.outputs[0]}`);
  return result;
}
