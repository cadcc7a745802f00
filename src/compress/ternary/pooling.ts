import {
  type Attribute,
  copyModel,
  FreshNames,
  inferValues,
  intAttribute,
  intsAttribute,
  type Model,
  makeNode,
  type Node,
  type Rewrite,
  type Shape,
  toNumbers,
} from "../../onnx/index.ts";

/** Writes an AveragePool or ReduceMean that covers whole pictures as GlobalAveragePool, which is exact in integers. */
export const toGlobalPooling: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  const shapes = inferValues(model, { lenient: true });
  graph.nodes = graph.nodes.flatMap((node) => {
    const shape = shapes.get(node.inputs[0]!)?.shape;
    if (isWholePool(node, shape)) return [pooled(node, node.outputs)];
    if (!isWholeMean(model, node, shape)) return [node];
    if (intAttribute(node, "keepdims", 1) === 1) return [pooled(node, node.outputs)];
    const means = names.take(`${node.outputs[0]}/pooled`);
    return [pooled(node, [means]), makeNode("Flatten", [means], node.outputs, { axis: 1 })];
  });
  return result;
};

const pooled = (node: Node, outputs: readonly string[]): Node => ({
  ...makeNode("GlobalAveragePool", [node.inputs[0]!], outputs),
  name: node.name,
});

function isWholePool(node: Node, shape: Shape): boolean {
  if (node.op !== "AveragePool" || node.domain !== "") return false;
  const kernel = intsAttribute(node, "kernel_shape", []);
  const padded = intsAttribute(node, "pads", []).some((pad) => pad !== 0);
  return !padded && shape?.slice(2).join() === kernel.join();
}

/** Over the last two axes of four. */
function isWholeMean({ graph }: Model, node: Node, shape: Shape): boolean {
  if (node.op !== "ReduceMean" || node.domain !== "" || shape?.length !== 4) return false;
  const stored = graph.constants.get(node.inputs[1] ?? "");
  const axes = stored === undefined ? listOf(node.attributes.get("axes")) : toNumbers(stored);
  return axes.length === 2 && axes.every((axis) => (axis + 4) % 4 >= 2);
}

const listOf = (attribute: Attribute | undefined): readonly number[] =>
  attribute?.kind === "ints" ? attribute.value : [];
