import {
  copyModel,
  FreshNames,
  foldBatchNormalization,
  foldConstants,
  type Model,
  type Rewrite,
  removeIdentity,
} from "../../onnx/index.ts";

/**
 * The model in the form that surgery and refitting want: constants folded, Identity and Dropout gone,
 * BatchNormalization folded into the layer before it where there is one, and a constant for each reader.
 */
export async function simplify(model: Model): Promise<Model> {
  const folded = removeIdentity(await foldConstants(model));
  return separateConstants(foldBatchNormalization(folded));
}

/** Gives every reader of a constant a constant of its own: exporters store equal ones once, however little they have to do with each other. */
export const separateConstants: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  const read = new Set<string>();
  for (const node of graph.nodes) {
    node.inputs = node.inputs.map((input) => {
      const tensor = graph.constants.get(input);
      if (tensor === undefined || !read.has(input)) {
        read.add(input);
        return input;
      }
      const own = names.take(input);
      graph.constants.set(own, tensor);
      return own;
    });
  }
  return result;
};
