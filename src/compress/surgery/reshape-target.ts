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

/** Gives Reshape nodes that compute their target a constant one, where shape inference knows enough of it. */
export const fixReshapeTargets: Rewrite = (model) => {
  const values = inferValues(model, { lenient: true });
  const result = copyModel(model);
  const { constants, nodes } = result.graph;
  const names = new FreshNames(result.graph);
  for (const node of nodes.filter(({ op, domain }) => op === "Reshape" && domain === "")) {
    const [from, to] = [values.get(node.inputs[0]!)?.shape, values.get(node.outputs[0]!)?.shape];
    const target = from && to && reshapeTarget(from, to);
    if (constants.has(node.inputs[1]!) || target === undefined) continue;
    node.inputs[1] = names.take(`${node.outputs[0]}_target`);
    node.attributes.delete("allowzero");
    constants.set(node.inputs[1], int64(target));
  }
  return removeDeadNodes(result);
};
