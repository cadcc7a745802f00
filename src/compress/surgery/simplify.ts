import {
  copyModel,
  FreshNames,
  foldBatchNormalization,
  foldConstants,
  type Model,
  type Rewrite,
  raiseOpset,
  removeIdentity,
} from "../../onnx/index.ts";
import { plainEnds } from "./plain-ends.ts";
import { fixReshapeTargets } from "./reshape-target.ts";

/** From which sums read their axes as an input, as what is added to models here does. */
const requiredOpset = 13;

/**
 * The model in the form that surgery and refitting want: constants folded, targets of Reshape constant, Identity and
 * Dropout gone, BatchNormalization folded into the layer before it where there is one, and a constant for each reader. It
 * reads an image of planes, and gives logits where the model gives their logarithms of probabilities.
 */
export async function simplify(model: Model): Promise<Model> {
  const raised = model.opset < requiredOpset ? raiseOpset(model) : model;
  const folded = plainEnds(removeIdentity(fixReshapeTargets(await foldConstants(raised))));
  return separateConstants(foldBatchNormalization(folded));
}

/**
 * Gives every reader of a constant a constant of its own. Exporters store equal constants once, and channels that have
 * nothing to do with each other would be tied by them.
 */
const separateConstants: Rewrite = (model) => {
  const result = copyModel(model);
  const { constants, nodes } = result.graph;
  const names = new FreshNames(result.graph);
  const taken = new Set<string>();
  const ownOf = (name: string): string => {
    const tensor = constants.get(name);
    if (tensor === undefined || !taken.has(name)) {
      taken.add(name);
      return name;
    }
    const own = names.take(name);
    constants.set(own, tensor);
    return own;
  };
  for (const node of nodes) node.inputs = node.inputs.map(ownOf);
  return result;
};
