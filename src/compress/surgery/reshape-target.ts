import {
  copyModel,
  type Dim,
  FreshNames,
  inferValues,
  int64,
  type Rewrite,
  removeDeadNodes,
} from "../../onnx/index.ts";
import { isKnown } from "../../onnx/operators/dims.ts";

/**
 * The sizes that reshape `from` to `to`: 0 copies one that is unknown, -1 stands for one; undefined where several would
 * need that.
 */
export function reshapeTarget(from: readonly Dim[], to: readonly Dim[]): number[] | undefined {
  const target = to.map((size, axis) => (isKnown(size) ? size : size !== undefined && size === from[axis] ? 0 : -1));
  return target.filter((size) => size === -1).length <= 1 ? target : undefined;
}

/**
 * Gives Reshape nodes that compute their target a constant one, where shape inference knows enough of it. What it knew
 * by the computation, that an open size is the batch, is written down.
 */
export const fixReshapeTargets: Rewrite = (model) => {
  const inferred = inferValues(model, { lenient: true });
  const result = copyModel(model);
  const { constants, nodes, outputs, values } = result.graph;
  const names = new FreshNames(result.graph);
  for (const node of nodes.filter(({ op, domain }) => op === "Reshape" && domain === "")) {
    const [from, to] = [inferred.get(node.inputs[0]!), inferred.get(node.outputs[0]!)];
    const target = from?.shape && to?.shape && reshapeTarget(from.shape, to.shape);
    if (constants.has(node.inputs[1]!) || to === undefined || target === undefined) continue;
    const name = node.outputs[0]!;
    node.inputs[1] = names.take(`${name}_target`);
    node.attributes.delete("allowzero");
    constants.set(node.inputs[1], int64(target));
    if (!outputs.some((output) => output.name === name)) values.set(name, { name, type: to.type, shape: to.shape });
  }
  return removeDeadNodes(result);
};
