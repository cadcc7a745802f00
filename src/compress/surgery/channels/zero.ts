import {
  copyModel,
  FreshNames,
  float32,
  type Graph,
  inferValues,
  type Model,
  makeNode,
  type Shape,
  sizeOf,
  type Tensor,
} from "../../../onnx/index.ts";
import type { ChannelGroup, GroupLayer, UnitSlices } from "./groups.ts";
import { zeroSlices } from "./slices.ts";

/**
 * The model with some units of a group zeroed where layers read them: in the layers' weights, or, where a layer has no
 * constant weights, in its input. Shapes stay. `removeChannels` must compute the same.
 *
 * @param units indices of units, 0 to group.size - 1
 */
export function zeroChannels(model: Model, group: ChannelGroup, units: readonly number[]): Model {
  const result = copyModel(model);
  const { constants } = result.graph;
  const names = new FreshNames(result.graph);
  const values = inferValues(model, { lenient: true });
  for (const { node, channels, weights } of group.consumers) {
    if (weights !== undefined) constants.set(weights.value, zeroed(constants.get(weights.value)!, weights, units));
    else maskInput(result.graph, { node, channels }, maskOf(values.get(channels.value)?.shape, channels, units), names);
  }
  return result;
}

const zeroed = (tensor: Tensor, { axis, positions }: UnitSlices, units: readonly number[]): Tensor =>
  zeroSlices(
    tensor,
    axis,
    units.flatMap((unit) => positions[unit]!),
  );

/** Ones that broadcast over a value, zeros at the units' positions. */
function maskOf(shape: Shape, slices: UnitSlices, units: readonly number[]): Tensor {
  const dims = (shape ?? []).slice(slices.axis).map((size, at) => (at === 0 ? Number(size) : 1));
  return zeroed(float32(Array<number>(sizeOf(dims)).fill(1), dims), { ...slices, axis: 0 }, units);
}

/** Makes a layer read its input times a mask. */
function maskInput(graph: Graph, layer: Pick<GroupLayer, "node" | "channels">, mask: Tensor, names: FreshNames): void {
  const { value } = layer.channels;
  const at = graph.nodes.findIndex((node) => node.outputs[0] === layer.node.outputs[0]);
  const reader = graph.nodes[at]!;
  const [name, masked] = [names.take(`${value}_mask`), names.take(`${value}_masked`)];
  graph.constants.set(name, mask);
  reader.inputs = reader.inputs.map((input) => (input === value ? masked : input));
  graph.nodes.splice(at, 0, makeNode("Mul", [value, name], [masked]));
}
