import {
  consumers,
  copyModel,
  type Dim,
  FreshNames,
  type Graph,
  inferValues,
  intAttribute,
  intsAttribute,
  makeNode,
  type Node,
  type Rewrite,
  type Shape,
} from "../../onnx/index.ts";

/**
 * Writes a 1 x 1 convolution of a 1 x 1 map, flattened behind it, as Flatten and Gemm, as which classifiers end:
 * an integer matrix product can give float32, an integer convolution cannot.
 */
export const pointwiseToGemm: Rewrite = (model) => {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  const values = inferValues(result, { lenient: true });
  const readers = consumers(graph);
  for (const node of graph.nodes.filter(({ op, domain }) => op === "Conv" && domain === "")) {
    const [flatten, ...others] = readers.get(node.outputs[0]!) ?? [];
    if (flatten === undefined || others.length > 0 || isOutput(graph, node.outputs[0]!)) continue;
    const [input, output, flat] = [node.inputs[0], node.outputs[0], flatten.outputs[0]].map(
      (name) => values.get(name ?? "")?.shape,
    );
    if (isPixel(input) && isPixel(output) && isPointwise(graph, node) && flattens(flatten, flat, output[1])) {
      replace(graph, node, flatten, names);
    }
  }
  return result;
};

const isOutput = (graph: Graph, name: string): boolean => graph.outputs.some((output) => output.name === name);

const isPixel = (shape: Shape): shape is readonly Dim[] => shape?.length === 4 && shape[2] === 1 && shape[3] === 1;

const flattens = ({ op, domain }: Node, shape: Shape, channels: Dim): boolean =>
  domain === "" && ["Flatten", "Reshape", "Squeeze"].includes(op) && shape?.length === 2 && shape[1] === channels;

/** One group, a kernel of one pixel, no padding, constant parameters. */
function isPointwise(graph: Graph, node: Node): boolean {
  const [weights, bias] = node.inputs.slice(1).map((name) => graph.constants.get(name));
  const constant = weights?.type === "float32" && (!node.inputs[2] || bias !== undefined);
  const padded = intsAttribute(node, "pads", []).some((pad) => pad !== 0);
  return constant && !padded && isPixel(weights.dims) && intAttribute(node, "group", 1) === 1;
}

/** Puts the flattening before the product; the result keeps its name. */
function replace(graph: Graph, conv: Node, flatten: Node, names: FreshNames): void {
  const weights = graph.constants.get(conv.inputs[1]!)!;
  const matrix = names.take(`${conv.inputs[1]}_matrix`);
  graph.constants.set(matrix, { ...weights, dims: weights.dims.slice(0, 2) });
  const flat = names.take(`${conv.inputs[0]}_flat`);
  const first = makeNode("Flatten", [conv.inputs[0]!], [flat], { axis: 1 });
  const product = makeNode("Gemm", [flat, matrix, ...conv.inputs.slice(2)], flatten.outputs, { transB: 1 });
  graph.values.delete(conv.outputs[0]!);
  graph.nodes = graph.nodes.flatMap((node) => (node === conv ? [] : node === flatten ? [first, product] : [node]));
  product.name = conv.name;
}
