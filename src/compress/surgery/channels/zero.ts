import {
  copyModel,
  FreshNames,
  float32,
  type Graph,
  inferValues,
  type Model,
  makeNode,
  type Node,
  type Shape,
  sizeOf,
  type Tensor,
} from "../../../onnx/index.ts";
import type { ChannelGroup, UnitSlices } from "./groups.ts";

/**
 * The model with some units of a group zeroed where layers read them: in the layers' weights, or, where a layer has no
 * constant weights, in its input. Shapes stay. `removeChannels` must compute the same.
 */
export function zeroChannels(model: Model, group: ChannelGroup, units: readonly number[]): Model {
  const result = copyModel(model);
  const { graph } = result;
  const names = new FreshNames(graph);
  const values = inferValues(model, { lenient: true });
  for (const { node, channels, weights } of group.consumers) {
    if (weights === undefined) {
      const mask = maskOf(values.get(channels.value)?.shape, channels, units);
      maskInput(graph, nodeLike(graph, node), mask, channels.value, names);
    } else graph.constants.set(weights.value, zeroed(graph.constants.get(weights.value)!, weights, units));
  }
  return result;
}

/** The copy's node that makes the same values. */
const nodeLike = (graph: Graph, { outputs }: Node): Node => graph.nodes.find((node) => node.outputs[0] === outputs[0])!;

/** Multiplies a node's input by 0 at the units' positions, and by 1 elsewhere. */
function maskInput(graph: Graph, node: Node, mask: Tensor, value: string, names: FreshNames): void {
  const [name, masked] = [names.take(`${value}_mask`), names.take(`${value}_masked`)];
  graph.constants.set(name, mask);
  graph.nodes.splice(graph.nodes.indexOf(node), 0, makeNode("Mul", [value, name], [masked]));
  node.inputs = node.inputs.map((input) => (input === value ? masked : input));
}

/** Ones that broadcast over a value, zeros at the units' positions. */
function maskOf(shape: Shape, slices: UnitSlices, units: readonly number[]): Tensor {
  const dims = (shape ?? []).slice(slices.axis).map((size, at) => (at === 0 ? Number(size) : 1));
  return zeroed(float32(Array<number>(sizeOf(dims)).fill(1), dims), { ...slices, axis: 0 }, units);
}

/** The tensor with zeros at the units' positions. */
function zeroed(tensor: Tensor, { axis, positions }: UnitSlices, units: readonly number[]): Tensor {
  const gone = units.flatMap((unit) => positions[unit]!);
  const [block, size] = [sizeOf(tensor.dims.slice(axis + 1)), tensor.dims[axis]!];
  const data = tensor.data.slice();
  for (let row = 0; row < sizeOf(tensor.dims.slice(0, axis)); row++) {
    for (const position of gone)
      data.fill(0 as never, (row * size + position) * block, (row * size + position + 1) * block);
  }
  return { ...tensor, data };
}
