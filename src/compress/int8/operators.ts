import { type Graph, intAttribute, type Node } from "../../onnx/index.ts";

/** Operators that ONNX Runtime has integer kernels for, with ranges of their own on both sides. */
export const tableOperators = new Set([
  "Add",
  "Mul",
  "GlobalAveragePool",
  "AveragePool",
  "Concat",
  "Sigmoid",
  "LeakyRelu",
]);
/** Operators that leave the codes of their first input as they are. */
export const movementOperators = new Set([
  "MaxPool",
  "Flatten",
  "Reshape",
  "Transpose",
  "Squeeze",
  "Unsqueeze",
  "Slice",
  "Gather",
  "Pad",
]);

/** Matrix products: their integer kernels can give float32. */
export const isProduct = (node: Node): boolean => node.domain === "" && (node.op === "Gemm" || node.op === "MatMul");

/** Operators with weights. */
export const isLinear = (node: Node): boolean => isProduct(node) || (node.domain === "" && node.op === "Conv");

/** The axis of the weights of a linear node that holds output channels. */
export function outputAxis(node: Node): number {
  if (node.op === "Conv") return 0;
  return node.op === "Gemm" && intAttribute(node, "transB", 0) === 1 ? 0 : 1;
}

/** True when each output channel of a convolution reads one input channel alone. */
export function isDepthwise(graph: Graph, node: Node): boolean {
  const weights = graph.constants.get(node.inputs[1] ?? "");
  return node.op === "Conv" && intAttribute(node, "group", 1) > 1 && weights?.dims[1] === 1;
}
