import { copyModel, type Rewrite } from "../edit.ts";
import { constantOf } from "../operators/constants.ts";

/** Turns Constant nodes into constants of the graph. One whose value is an output of the graph stays. */
export const liftConstants: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const outputs = new Set(graph.outputs.map((output) => output.name));
  graph.nodes = graph.nodes.filter((node) => {
    const [name = ""] = node.outputs;
    const tensor = node.op === "Constant" && node.domain === "" ? constantOf(node.attributes) : undefined;
    if (tensor === undefined || outputs.has(name)) return true;
    graph.constants.set(name, tensor);
    graph.values.delete(name);
    return false;
  });
  return result;
};
