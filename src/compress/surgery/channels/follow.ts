import { inferValues, type Model, type Node, operatorName, readsOf } from "../../../onnx/index.ts";
import type { Inferred } from "../../../onnx/operators/index.ts";
import { type LayerAxes, NodeTracks } from "./node-tracks.ts";
import { channelRules } from "./rules/index.ts";
import { Tracks } from "./tracks.ts";

/** What following the channels through a whole graph has found. */
export interface Followed {
  readonly tracks: Tracks;
  /** Layers that make channels, and those that sum over them, in the order of the graph. */
  readonly producers: readonly LayerAxes[];
  readonly consumers: readonly LayerAxes[];
  /** The tracks as each node sees them. */
  readonly nodes: ReadonlyMap<Node, NodeTracks>;
}

/**
 * Follows every axis of every value through the graph. The network's inputs and outputs must stay, and so must all that
 * an operator without a rule touches.
 */
export function followChannels(model: Model): Followed {
  const values = inferValues(model, { lenient: true });
  const tracks = new Tracks(values);
  const layers = { producers: [], consumers: [] };
  freezeBoundary(model, tracks);
  const nodes = new Map(
    model.graph.nodes.map((node) => {
      const nodeTracks = new NodeTracks(node, model, values, tracks, layers);
      followNode(nodeTracks, values);
      return [node, nodeTracks] as const;
    }),
  );
  return { tracks, ...layers, nodes };
}

function freezeBoundary({ graph }: Model, tracks: Tracks): void {
  const freeze = (value: string, reason: string): void => {
    for (const axis of tracks.axesOf(value) ?? []) if (axis !== undefined) tracks.freeze(axis, reason);
  };
  for (const { name } of graph.inputs) freeze(name, `input "${name}" of the network`);
  for (const { name } of graph.outputs) freeze(name, `output "${name}" of the network`);
}

function followNode(tracks: NodeTracks, values: ReadonlyMap<string, Inferred>): void {
  const { node } = tracks;
  const touched = [...readsOf(node), ...node.outputs.filter((name) => name !== "")];
  const rule = channelRules.get(operatorName(node));
  if (rule === undefined) tracks.freezeAll("channels are not followed through this operator");
  else if (touched.some((name) => values.get(name)?.shape === undefined))
    tracks.freezeAll("has values of unknown rank");
  else rule.follow(tracks);
}
