import { ModelError } from "../../errors.ts";
import {
  copyModel,
  FreshNames,
  foldBatchNormalization,
  foldConstants,
  type Model,
  removeIdentity,
} from "../../onnx/index.ts";

/** The first operator set whose QuantizeLinear has a scale for each channel. */
const requiredOpset = 13;

/**
 * The same network in the form that quantises well: constants lifted and folded, batch normalisation inside the
 * convolutions, no identities, every node with a name of its own.
 */
export async function prepare(model: Model): Promise<Model> {
  const folded = await foldConstants(model);
  const prepared = namedApart(foldBatchNormalization(removeIdentity(folded)));
  if (prepared.opset >= requiredOpset) return prepared;
  throw new ModelError(`has operator set ${model.opset}; int8 needs ${requiredOpset}: raise it first`);
}

function namedApart(model: Model): Model {
  const result = copyModel(model);
  const names = new FreshNames({ ...result.graph, nodes: [] });
  for (const node of result.graph.nodes) node.name = names.take(node.name || `${node.op}_${node.outputs[0]}`);
  return result;
}
