import { intAttribute, intsAttribute, type Node, stringAttribute } from "../../../onnx/index.ts";
import { outputAxis } from "../../int8/operators.ts";
import type { Coded } from "./coded.ts";
import type { Layer, Parameters, Window } from "./types.ts";

/** The layer that a node of a QDQ model is. Throws UnsupportedOperatorError where it is none. */
export function layerOf(node: Node, coded: Coded): Layer {
  const make = node.domain === "" ? makers[node.op] : undefined;
  if (make === undefined) throw coded.refused(node, `known: ${Object.keys(makers).join(", ")}`);
  return make(node, coded);
}

const makers: Readonly<Record<string, (node: Node, coded: Coded) => Layer>> = {
  Conv: (node, coded) => {
    const input = coded.read(node, 0);
    const parameters = parametersOf(node, coded);
    const window = windowOf(node, coded, parameters.dims.slice(2));
    const groups = intAttribute(node, "group", 1);
    return { kind: "convolution", name: node.name, input, output: made(node, coded), window, groups, parameters };
  },
  Gemm: matrixProduct,
  MatMul: matrixProduct,
  Add: (node, coded) => {
    const inputs = [coded.read(node, 0), coded.read(node, 1)] as const;
    const [left, right] = inputs.map((name) => coded.values.get(name)!.shape.join(" x "));
    if (left !== right) throw coded.refused(node, `it adds ${left} and ${right}`);
    return { kind: "addition", name: node.name, inputs, output: made(node, coded) };
  },
  GlobalAveragePool: (node, coded) => {
    return { kind: "mean", name: node.name, input: coded.read(node, 0), output: made(node, coded) };
  },
  MaxPool: (node, coded) => {
    const window = windowOf(node, coded, intsAttribute(node, "kernel_shape", []));
    return { kind: "maximum", name: node.name, input: coded.read(node, 0), output: coded.move(node), window };
  },
  AveragePool: (node, coded) => {
    const window = windowOf(node, coded, intsAttribute(node, "kernel_shape", []));
    const overPadding = intAttribute(node, "count_include_pad", 0) === 1;
    const input = coded.read(node, 0);
    return { kind: "average", name: node.name, input, output: made(node, coded), window, overPadding };
  },
  Concat: (node, coded) => {
    const inputs = node.inputs.map((_, at) => coded.read(node, at));
    const axis = imageAxis(node, coded, intAttribute(node, "axis", 1), coded.values.get(inputs[0]!)!.shape.length);
    return { kind: "concatenation", name: node.name, inputs, output: made(node, coded), axis };
  },
  Transpose: transpose,
  Flatten: reshape,
  Reshape: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Slice: slice,
  Pad: pad,
};

function matrixProduct(node: Node, coded: Coded): Layer {
  const input = coded.read(node, 0);
  const parameters = parametersOf(node, coded);
  const output = coded.make(node);
  if (output !== undefined) return { kind: "dense", name: node.name, input, output, parameters };
  return { kind: "logits", name: node.name, input, output: node.outputs[0]!, parameters };
}

function made(node: Node, coded: Coded): string {
  const output = coded.make(node);
  if (output === undefined) throw coded.refused(node, `its output "${node.outputs[0]}" stays float32`);
  return output;
}

function parametersOf(node: Node, coded: Coded): Parameters {
  const weights = coded.constant(node, 1);
  if (weights?.codes.type !== "int8") throw coded.refused(node, "its weights are no constant codes of 8 bits");
  const { scales } = weights;
  const { codes, dims } = outputsFirst(weights.codes.data as Int8Array, weights.codes.dims, outputAxis(node));
  const bias = coded.constant(node, 2)?.codes.data as Int32Array | undefined;
  if (node.inputs[2] && bias === undefined) throw coded.refused(node, "its bias is no constant codes of 32 bits");
  const bits = codes.every((code) => code >= -1 && code <= 1) ? 2 : 8;
  return { bits, dims, codes, scales, biases: bias ?? new Int32Array(dims[0]!) };
}

/** A matrix whose outputs are its second axis, transposed. */
function outputsFirst(
  codes: Int8Array,
  dims: readonly number[],
  axis: number,
): { codes: Int8Array; dims: readonly number[] } {
  if (axis === 0) return { codes, dims };
  const [inputs, outputs] = dims as [number, number];
  const turned = codes.map((_, i) => codes[(i % inputs) * outputs + Math.floor(i / inputs)]!);
  return { codes: turned, dims: [outputs, inputs] };
}

function windowOf(node: Node, coded: Coded, kernel: readonly number[]): Window {
  if (stringAttribute(node, "auto_pad", "NOTSET") !== "NOTSET") throw coded.refused(node, "auto_pad is set");
  if (kernel.length !== 2) throw coded.refused(node, `its window has ${kernel.length} axes, not 2`);
  const pads = intsAttribute(node, "pads", [0, 0, 0, 0]).slice(0, 2);
  const [strides, dilations] = ["strides", "dilations"].map((name) => intsAttribute(node, name, [1, 1]));
  return { kernel, strides: strides!, dilations: dilations!, pads };
}

function reshape(node: Node, coded: Coded): Layer {
  return { kind: "reshape", name: node.name, input: coded.read(node, 0), output: coded.move(node) };
}

function transpose(node: Node, coded: Coded): Layer {
  const input = coded.read(node, 0);
  const { shape } = coded.values.get(input)!;
  const reversed = [...shape.keys(), shape.length].toReversed();
  const [batch, ...axes] = intsAttribute(node, "perm", reversed);
  if (batch !== 0) throw coded.refused(node, "it moves the axis of the images");
  const order = axes.map((axis) => imageAxis(node, coded, axis, shape.length));
  return { kind: "transposition", name: node.name, input, output: coded.move(node), order };
}

function slice(node: Node, coded: Coded): Layer {
  const input = coded.read(node, 0);
  const { shape } = coded.values.get(input)!;
  const [firsts, , given, strides] = [1, 2, 3, 4].map((at) => coded.integers(node, at));
  const [starts, steps] = [shape.map(() => 0), shape.map(() => 1)];
  firsts!.forEach((first, i) => {
    const axis = imageAxis(node, coded, given?.[i] ?? i, shape.length);
    const size = shape[axis]!;
    const step = strides?.[i] ?? 1;
    starts[axis] = Math.min(Math.max(first < 0 ? first + size : first, 0), step > 0 ? size : size - 1);
    steps[axis] = step;
  });
  return { kind: "pick", name: node.name, input, output: coded.move(node), starts, steps };
}

function pad(node: Node, coded: Coded): Layer {
  const input = coded.read(node, 0);
  const { shape } = coded.values.get(input)!;
  const pads = coded.integers(node, 1)!;
  const axes = coded.integers(node, 3) ?? [-1, ...shape.keys()].map((axis) => axis + 1);
  const starts = shape.map(() => 0);
  axes.forEach((given, i) => {
    if (pads[i] === 0 && pads[i + axes.length] === 0) return;
    starts[imageAxis(node, coded, given, shape.length)] = 0 - pads[i]!;
  });
  return { kind: "pick", name: node.name, input, output: coded.move(node), starts, steps: shape.map(() => 1) };
}

/** The axis of an image that is axis `given` of a batch of them. */
function imageAxis(node: Node, coded: Coded, given: number, rank: number): number {
  const axis = (given < 0 ? given + rank + 1 : given) - 1;
  if (axis < 0) throw coded.refused(node, "it works on the axis of the images");
  return axis;
}
