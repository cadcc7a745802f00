import {
  float32,
  type Graph,
  intAttribute,
  intsAttribute,
  type Model,
  type Node,
  sizeOf,
  stringAttribute,
  type Tensor,
} from "../../onnx/index.ts";
import { type Matrix, matrix } from "./linear-algebra.ts";

/** A layer whose weights can be fitted anew: a convolution without groups, or a product with a constant matrix. */
export interface FittedLayer {
  readonly node: Node;
  readonly kind: "conv" | "gemm" | "matmul";
  /** Inputs of one output value; rows of the weight matrix. */
  readonly columns: number;
  readonly outputs: number;
  /** Weights of each input channel: the taps of a kernel. */
  readonly taps: number;
  /** Whether the outputs come first in the stored weights. */
  readonly outputsFirst: boolean;
}

/** How the layer computes; a reason where its weights cannot be fitted. */
export function fittedLayer({ graph }: Model, node: Node): FittedLayer | { readonly reason: string } {
  const weights = graph.constants.get(node.inputs[1] ?? "");
  if (weights?.type !== "float32") return { reason: "its weights are not a float32 constant" };
  if (node.op === "Conv") return convolution(node, weights);
  if (node.op === "Gemm") return gemm(graph, node, weights);
  if (node.op === "MatMul" && weights.dims.length === 2) return dense(node, "matmul", weights, false);
  return { reason: `the operator ${node.op} is not fitted` };
}

function convolution(node: Node, { dims }: Tensor): FittedLayer | { reason: string } {
  if (dims.length !== 4) return { reason: "its kernel does not have two dimensions" };
  if (intAttribute(node, "group", 1) !== 1) return { reason: "it has groups" };
  if (stringAttribute(node, "auto_pad", "NOTSET") !== "NOTSET") return { reason: "its padding is automatic" };
  const taps = dims[2]! * dims[3]!;
  return { node, kind: "conv", columns: dims[1]! * taps, outputs: dims[0]!, taps, outputsFirst: true };
}

function gemm(graph: Graph, node: Node, weights: Tensor): FittedLayer | { reason: string } {
  const plain = ["alpha", "beta"].every((name) => {
    const attribute = node.attributes.get(name);
    return attribute === undefined || attribute.value === 1;
  });
  if (!plain || intAttribute(node, "transA", 0) !== 0) return { reason: "alpha, beta or transA is not the default" };
  const bias = node.inputs[2] ? graph.constants.get(node.inputs[2]) : undefined;
  if (node.inputs[2] && bias?.dims.length !== 1) return { reason: "its bias is not one value a column" };
  return dense(node, "gemm", weights, intAttribute(node, "transB", 0) === 1);
}

function dense(node: Node, kind: "gemm" | "matmul", { dims }: Tensor, outputsFirst: boolean): FittedLayer {
  const [first, second] = dims as [number, number];
  const [columns, outputs] = outputsFirst ? [second, first] : [first, second];
  return { node, kind, columns, outputs, taps: 1, outputsFirst };
}

/** The layer's weights as a matrix [columns, outputs]; a kernel's columns are its taps, channel by channel. */
export function weightsOf({ graph }: Model, { node, columns, outputs, outputsFirst }: FittedLayer): Matrix {
  const { data } = graph.constants.get(node.inputs[1]!)!;
  const result = matrix(columns, outputs);
  for (let i = 0; i < columns; i++) {
    for (let o = 0; o < outputs; o++) {
      result.data[i * outputs + o] = Number(data[outputsFirst ? o * columns + i : i * outputs + o]);
    }
  }
  return result;
}

/** A copy of the model whose layer has these weights, and this bias where the layer has room for one. */
export function withWeights(model: Model, layer: FittedLayer, weights: Matrix, bias: ArrayLike<number>): Model {
  const { node, columns, outputs, outputsFirst, kind } = layer;
  const constants = new Map(model.graph.constants);
  const stored = constants.get(node.inputs[1]!)!;
  const data = new Float32Array(sizeOf(stored.dims));
  for (let i = 0; i < columns; i++) {
    for (let o = 0; o < outputs; o++) {
      data[outputsFirst ? o * columns + i : i * outputs + o] = weights.data[i * outputs + o]!;
    }
  }
  constants.set(node.inputs[1]!, float32(data, stored.dims));
  const nodes = kind === "matmul" ? model.graph.nodes : withBias(model.graph, constants, layer, bias);
  return { ...model, graph: { ...model.graph, constants, nodes } };
}

function withBias(
  { nodes }: Graph,
  constants: Map<string, Tensor>,
  { node, outputs }: FittedLayer,
  bias: ArrayLike<number>,
): Node[] {
  const name = node.inputs[2] || `${node.outputs[0]}_bias`;
  constants.set(name, float32(Float32Array.from(bias), [outputs]));
  return nodes.map((each) =>
    each.outputs[0] === node.outputs[0] ? { ...each, inputs: [...each.inputs.slice(0, 2), name] } : each,
  );
}

/** How a convolution moves over its input. */
export interface Geometry {
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [top: number, left: number, bottom: number, right: number];
}

export function geometryOf(node: Node, weights: Tensor): Geometry {
  const pair = (name: string): [number, number] => [...intsAttribute(node, name, [1, 1])] as [number, number];
  return {
    kernel: [weights.dims[2]!, weights.dims[3]!],
    strides: pair("strides"),
    dilations: pair("dilations"),
    pads: [...intsAttribute(node, "pads", [0, 0, 0, 0])] as [number, number, number, number],
  };
}
