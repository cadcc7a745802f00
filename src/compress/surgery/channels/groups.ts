import type { Model, Node } from "../../../onnx/index.ts";
import { type Followed, followChannels } from "./follow.ts";
import type { LayerAxes } from "./node-tracks.ts";
import type { Axis } from "./tracks.ts";

/** Where the units of a group lie along one axis of a value. */
export interface UnitSlices {
  readonly value: string;
  readonly axis: number;
  /** The positions of each unit, in ascending order. */
  readonly positions: readonly (readonly number[])[];
}

/** A layer that makes or takes in the channels of a group. */
export interface GroupLayer {
  /** The model's own node: a convolution or a matrix product. */
  readonly node: Node;
  /** The channels in its output (of a producer) or in its input (of a consumer). */
  readonly channels: UnitSlices;
  /**
   * The same channels in its constant weights; several positions of a grouped convolution's input may lie on one of the
   * weights. Undefined where it multiplies two computed values, as attention does.
   */
  readonly weights: UnitSlices | undefined;
}

/** Units that the same layers make and take in. Each unit can go or stay; all of a unit goes together. */
export interface ChannelGroup {
  /** Unique in the model: the value that the first producer makes, and the group's first position: `conv1[0]`. */
  readonly id: string;
  /** Number of units. */
  readonly size: number;
  /** Layers that write the channels, in the order of the graph; at least one. */
  readonly producers: readonly GroupLayer[];
  /** Layers that read the channels, in the order of the graph. */
  readonly consumers: readonly GroupLayer[];
  /** Why no unit can go, with the node that needs them all; absent for a group that can be thinned. */
  readonly frozen?: string;
}

/**
 * The groups of channels that must go together, in the order of their first producers. Two channels are of one unit when
 * a path through additions, concatenations, splits, depthwise and grouped convolutions, gates or reshapes ties them
 * (a dependency graph as in DepGraph, Fang et al. 2023, kept element by element). Channels that touch an operator
 * without a rule are frozen.
 *
 * Call it on a simplified model (`simplify`): constants that several nodes read tie their channels together.
 *
 * @throws ModelError for a node whose inputs do not fit
 */
export function channelGroups(model: Model): ChannelGroup[] {
  const followed = followChannels(model);
  const groups = new Map<string, Footprint[]>();
  for (const footprint of footprintsOf(followed)) {
    const units = groups.get(keyOf(footprint));
    if (units === undefined) groups.set(keyOf(footprint), [footprint]);
    else units.push(footprint);
  }
  const producers = new Set(followed.producers);
  return [...groups.values()].map((units) => groupOf(units, producers)).filter((group) => group.producers.length > 0);
}

/** Where one unit lies in a layer. */
interface Positions {
  readonly channels: number[];
  readonly weights: number[];
}

/** Where one unit lies in all layers. */
interface Footprint {
  readonly layers: Map<LayerAxes, Positions>;
  readonly frozen: string | undefined;
}

/** The footprint of every unit that a layer makes or takes in, in the order of their first layers. */
function footprintsOf({ tracks, producers, consumers }: Followed): Iterable<Footprint> {
  const footprints = new Map<number, Footprint>();
  const note = (layer: LayerAxes, axis: Axis, side: keyof Positions): void => {
    for (let position = 0; position < axis.size; position++) {
      const unit = tracks.unitOf(axis, position);
      const footprint = footprints.get(unit) ?? { layers: new Map(), frozen: tracks.frozenAt(axis, position) };
      const positions = footprint.layers.get(layer) ?? { channels: [], weights: [] };
      positions[side].push(position);
      footprint.layers.set(layer, positions);
      footprints.set(unit, footprint);
    }
  };
  for (const layer of [...producers, ...consumers]) {
    note(layer, layer.channels, "channels");
    if (layer.weights !== undefined) note(layer, layer.weights, "weights");
  }
  return footprints.values();
}

/** Equal for units that lie in the same layers, as often. */
function keyOf({ layers, frozen }: Footprint): string {
  const places = [...layers].map(([{ node, channels }, positions]) => [
    node.outputs[0],
    channels.value,
    positions.channels.length,
    positions.weights.length,
  ]);
  return JSON.stringify([places, frozen]);
}

function groupOf(units: readonly Footprint[], producers: ReadonlySet<LayerAxes>): ChannelGroup {
  const [{ layers, frozen }] = units as [Footprint];
  const groupLayers = (wanted: boolean): GroupLayer[] =>
    [...layers.keys()].filter((layer) => producers.has(layer) === wanted).map((layer) => groupLayer(layer, units));
  const written = groupLayers(true);
  return {
    id: idOf(written),
    size: units.length,
    producers: written,
    consumers: groupLayers(false),
    ...(frozen === undefined ? {} : { frozen }),
  };
}

function groupLayer(layer: LayerAxes, units: readonly Footprint[]): GroupLayer {
  const slices = (axis: Axis, side: keyof Positions): UnitSlices => ({
    value: axis.value,
    axis: axis.axis,
    positions: units.map((unit) => unit.layers.get(layer)![side]),
  });
  return {
    node: layer.node,
    channels: slices(layer.channels, "channels"),
    weights: layer.weights && slices(layer.weights, "weights"),
  };
}

/** The value that the first producer makes, and the group's first position in it. */
function idOf([first]: readonly GroupLayer[]): string {
  return first === undefined ? "" : `${first.channels.value}[${first.channels.positions[0]![0]}]`;
}
