import {
  inferValues,
  intAttribute,
  intsAttribute,
  type Model,
  type Node,
  producers,
  type Tensor,
} from "../../onnx/index.ts";

/** What decides how long a layer takes: all but the values of its weights. */
export interface LayerShape {
  readonly op: "Conv" | "MatMul";
  /** Input channels or values. */
  readonly inputs: number;
  /** Output channels or values. */
  readonly outputs: number;
  /** 1, or as many as there are input channels. */
  readonly groups: number;
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [top: number, left: number, bottom: number, right: number];
  /** Of the input of a convolution; rows and 1 for a product. */
  readonly size: readonly [height: number, width: number];
}

/** Whether a layer computes in float32, or on weights of 8 bits. */
export type LayerBits = 32 | 8;

/** A layer of a model. */
export interface ModelLayer {
  /** Name of its node. */
  readonly node: string;
  /** Name of what it makes. */
  readonly output: string;
  readonly shape: LayerShape;
  readonly bits: LayerBits;
}

/** The convolutions of two dimensions and the products with constant matrices of a model of fixed image size. */
export function layerShapes(model: Model): ModelLayer[] {
  const values = inferValues(model, { lenient: true });
  const weightsOf = constantsBehind(model);
  return model.graph.nodes.flatMap((node) => {
    const input = values.get(node.inputs[0] ?? "")?.shape?.slice(1);
    const weights = weightsOf(node.inputs[1] ?? "");
    if (weights === undefined || input === undefined || !input.every((dim) => typeof dim === "number")) return [];
    const shape = shapeOf(node, weights.dims, input);
    if (shape === undefined) return [];
    return [{ node: node.name, output: node.outputs[0]!, shape, bits: weights.type === "float32" ? 32 : 8 }];
  });
}

/** Looks a constant up by its name, or by that of the value that it is dequantised to. */
function constantsBehind({ graph }: Model): (name: string) => Tensor | undefined {
  const makers = producers(graph);
  return (name) => {
    const maker = makers.get(name);
    return graph.constants.get(maker?.op === "DequantizeLinear" ? maker.inputs[0]! : name);
  };
}

function shapeOf(node: Node, weights: readonly number[], input: readonly number[]): LayerShape | undefined {
  if (node.op === "Conv" && weights.length === 4) return convolution(node, weights, input);
  const isProduct = (node.op === "Gemm" || node.op === "MatMul") && weights.length === 2;
  return isProduct ? dense(node, weights, input) : undefined;
}

function convolution(node: Node, weights: readonly number[], input: readonly number[]): LayerShape {
  const pair = (name: string): [number, number] => [...intsAttribute(node, name, [1, 1])] as [number, number];
  return {
    op: "Conv",
    inputs: input[0]!,
    outputs: weights[0]!,
    groups: intAttribute(node, "group", 1),
    kernel: [weights[2]!, weights[3]!],
    strides: pair("strides"),
    dilations: pair("dilations"),
    pads: [...intsAttribute(node, "pads", [0, 0, 0, 0])] as [number, number, number, number],
    size: [input[1]!, input[2]!],
  };
}

function dense(node: Node, [first, second]: readonly number[], input: readonly number[]): LayerShape {
  const turned = intAttribute(node, "transB", 0) === 1;
  const rows = input.slice(0, -1).reduce((a, b) => a * b, 1);
  const [inputs, outputs] = turned ? [second!, first!] : [first!, second!];
  const ones = [1, 1] as const;
  return {
    op: "MatMul",
    inputs,
    outputs,
    groups: 1,
    kernel: ones,
    strides: ones,
    dilations: ones,
    pads: [0, 0, 0, 0],
    size: [rows, 1],
  };
}

/** Size of a convolution's output. */
export function outputSize({ op, kernel, strides, dilations, pads, size }: LayerShape): [number, number] {
  if (op === "MatMul") return [...size];
  const along = (axis: 0 | 1): number => {
    const reach = dilations[axis] * (kernel[axis] - 1) + 1;
    return Math.floor((size[axis] + pads[axis] + pads[axis + 2]! - reach) / strides[axis]) + 1;
  };
  return [along(0), along(1)];
}

/** Multiply-accumulates for one image. */
export function shapeMacs(shape: LayerShape): number {
  const [height, width] = outputSize(shape);
  return height * width * shape.kernel[0] * shape.kernel[1] * (shape.inputs / shape.groups) * shape.outputs;
}

/** Weights without the bias. */
export const shapeWeights = ({ kernel, inputs, groups, outputs }: LayerShape): number =>
  kernel[0] * kernel[1] * (inputs / groups) * outputs;

/** Beside the weights of an output in int8: its bias, scale and zero point, and a share of those of the activations. */
const besideWeights = 4;

/** What a layer is counted as in int8: a byte for each number that it stores. */
export const int8Bytes = (shape: LayerShape): number => shapeWeights(shape) + besideWeights * shape.outputs;

/** The shape with other widths; a depthwise convolution stays one. */
export function withChannels(shape: LayerShape, inputs: number, outputs: number): LayerShape {
  return { ...shape, inputs, outputs, groups: shape.groups === shape.inputs ? inputs : shape.groups };
}
