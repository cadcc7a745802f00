import {
  type Affine,
  affineOf,
  attr,
  copyModel,
  FreshNames,
  float32,
  type Graph,
  inferValues,
  makeNode,
  type Node,
  type Rewrite,
} from "../../onnx/index.ts";

/**
 * Writes what multiplies or moves each channel of a picture by constants, and stands behind no layer that could take it in
 * (the normalisation in front of a convolution), as a convolution of one weight a channel, which has an integer form.
 */
export const scalingsToConvolutions: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  const shapes = inferValues(model, { lenient: true });
  graph.nodes = graph.nodes.map((node) => {
    const input = node.inputs.find((name) => !graph.constants.has(name)) ?? "";
    const shape = shapes.get(input)?.shape;
    const [, count] = shape ?? [];
    if (shape?.length !== 4 || typeof count !== "number") return node;
    const affine = affineOf(graph, node, { count, rank: 4 });
    return affine === undefined ? node : convolutionOf(graph, node, input, affine, names);
  });
  return result;
};

function convolutionOf(graph: Graph, node: Node, input: string, { factor, offset }: Affine, names: FreshNames): Node {
  const [weights, bias] = [names.take(`${node.outputs[0]}/factor`), names.take(`${node.outputs[0]}/offset`)];
  graph.constants.set(weights, float32(Float32Array.from(factor), [factor.length, 1, 1, 1]));
  graph.constants.set(bias, float32(Float32Array.from(offset)));
  const attributes = { kernel_shape: attr.ints([1, 1]), group: attr.int(factor.length) };
  return { ...makeNode("Conv", [input, weights, bias], [node.outputs[0]!], attributes), name: node.name };
}
