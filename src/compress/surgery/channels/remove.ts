import { UsageError } from "../../../errors.ts";
import {
  checkModel,
  copyModel,
  FreshNames,
  type Graph,
  inferShapes,
  int64,
  type Model,
  operatorName,
  removeDeadNodes,
} from "../../../onnx/index.ts";
import { type Followed, followChannels } from "./follow.ts";
import { type Keep, removedUnits } from "./kept.ts";
import { channelRules } from "./rules/index.ts";
import { takeSlices } from "./slices.ts";
import type { Axis } from "./tracks.ts";

/**
 * Removes channels: weights, biases, statistics, groups, sizes of Split, bounds of Slice, targets of Reshape and the
 * shapes of values shrink together. The result computes what the given model computes with the removed channels zeroed
 * where layers read them (`zeroChannels`).
 *
 * @example
 * const model = await simplify(readModel("original.onnx"));
 * const group = channelGroups(model).find((group) => group.frozen === undefined)!;
 * const smaller = removeChannels(model, [{ group, keep: [0, 2, 5] }]);
 *
 * @param keeps the units that stay, for each group that loses some; groups are those of `channelGroups(model)`
 * @throws UsageError for a frozen or foreign group, an unknown unit, or a removal that leaves a layer without channels
 */
export function removeChannels(model: Model, keeps: readonly Keep[]): Model {
  const followed = followChannels(model);
  const removed = removedUnits(followed, keeps);
  const kept = keptPositions(followed, removed);
  refuseEmpty(model, followed, kept);
  const result = copyModel(model);
  resizeNodes(model, result.graph, followed, kept);
  cutConstants(model.graph, result.graph, followed, kept);
  resizeValues(result.graph, followed, kept);
  const clean = removeDeadNodes(result);
  checkModel(clean);
  inferShapes(clean, { lenient: true });
  return clean;
}

type Kept = (axis: Axis) => readonly number[];

/** Finds what stays of an axis, once for each. */
function keptPositions({ tracks }: Followed, removed: ReadonlySet<number>): Kept {
  const known = new Map<Axis, number[]>();
  return (axis) => {
    const found = known.get(axis);
    if (found !== undefined) return found;
    const stay = Array.from({ length: axis.size }, (_, at) => at).filter((at) => !removed.has(tracks.unitOf(axis, at)));
    known.set(axis, stay);
    return stay;
  };
}

const axesOf = ({ tracks }: Followed, value: string): Axis[] =>
  (tracks.axesOf(value) ?? []).filter((axis) => axis !== undefined);

function refuseEmpty({ graph }: Model, followed: Followed, kept: Kept): void {
  for (const node of graph.nodes) {
    for (const value of [...node.inputs, ...node.outputs]) {
      if (axesOf(followed, value).every((axis) => axis.size === 0 || kept(axis).length > 0)) continue;
      throw new UsageError(`node "${node.name}" (${node.op}) would be left without channels; keep at least one unit`);
    }
  }
}

/** Writes the sizes that are left into the nodes that hold sizes. */
function resizeNodes(model: Model, graph: Graph, followed: Followed, kept: Kept): void {
  const names = new FreshNames(graph);
  const shrinks = (value: string): boolean => axesOf(followed, value).some((axis) => kept(axis).length < axis.size);
  for (const [at, original] of model.graph.nodes.entries()) {
    if (![...original.inputs, ...original.outputs].some(shrinks)) continue;
    const node = graph.nodes[at]!;
    const setIntegers = (input: number, values: readonly number[]): void => {
      node.inputs[input] = names.take(`${node.outputs[0]}_sizes`);
      graph.constants.set(node.inputs[input], int64(values));
    };
    const tracks = followed.nodes.get(original)!;
    channelRules.get(operatorName(node))?.resize?.({ node, tracks, kept, setIntegers });
  }
}

/** Writes the sizes that are left into what the file says of inner values. */
function resizeValues({ values }: Graph, { tracks }: Followed, kept: Kept): void {
  for (const [name, info] of values) {
    const axes = tracks.axesOf(name);
    const shape = info.shape?.map((size, axis) => {
      const track = axes?.[axis];
      return track === undefined ? size : kept(track).length;
    });
    values.set(name, { ...info, shape });
  }
}

/** Cuts every constant along its axes. */
function cutConstants(original: Graph, graph: Graph, followed: Followed, kept: Kept): void {
  for (const name of original.constants.keys()) {
    for (const axis of axesOf(followed, name)) {
      const stay = kept(axis);
      if (stay.length < axis.size) graph.constants.set(name, takeSlices(graph.constants.get(name)!, axis.axis, stay));
    }
  }
}
