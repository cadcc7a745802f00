import { consumers, inferValues, type Model, type Node } from "../../onnx/index.ts";
import {
  type ChannelGroup,
  channelGroups,
  type GroupLayer,
  type ResidualBlock,
  residualBlocks,
} from "../surgery/index.ts";
import { type FittedLayer, fittedLayer } from "./layers.ts";

/** What a refitted layer shall give. */
export interface Target {
  /** The original's value to be met. */
  readonly value: string;
  /** What is added to the layer's own output on the way there, and is taken as the compressed network has it. */
  readonly shortcut?: string;
}

/** A layer that is fitted anew, and what it shall give. */
export interface Fit {
  readonly layer: FittedLayer;
  readonly target: Target;
}

/** A group of channels that can be thinned, with the one layer that reads it. */
export interface Site extends Fit {
  readonly group: ChannelGroup;
  /** The layer's columns of each unit. */
  readonly units: readonly (readonly number[])[];
  /** The residual block that falls away with the whole group, where the layer ends its branch. */
  readonly block?: ResidualBlock;
}

/** A group that stays as it is, and why. */
export interface KeptGroup {
  readonly group: string;
  readonly reason: string;
}

/** Inputs of one output value that elimination takes on: their matrix must fit into memory. */
const mostColumns = 5000;

/** The groups that can be thinned, in the order in which they are read, and those that stay, with the reason. */
export function findSites(model: Model): { sites: Site[]; kept: KeptGroup[] } {
  const sites: Site[] = [];
  const kept: KeptGroup[] = [];
  for (const group of channelGroups(model)) {
    const site = siteOf(model, group);
    if ("reason" in site) kept.push({ group: group.id, reason: site.reason });
    else sites.push(site);
  }
  const order = new Map(model.graph.nodes.map((node, at) => [node.outputs[0], at]));
  const place = ({ layer }: Site): number => order.get(layer.node.outputs[0])!;
  return {
    sites: withBlocks(
      model,
      sites.sort((a, b) => place(a) - place(b)),
    ),
    kept,
  };
}

function siteOf(model: Model, group: ChannelGroup): Omit<Site, "block"> | { reason: string } {
  if (group.frozen !== undefined) return { reason: group.frozen };
  const [consumer, ...others] = group.consumers;
  if (consumer === undefined) return { reason: "no layer reads it" };
  if (others.length > 0) return { reason: `${group.consumers.length} layers read it` };
  if (group.size < 2) return { reason: "it has one unit" };
  const layer = fittedLayer(model, consumer.node);
  if ("reason" in layer) return { reason: `node "${consumer.node.name}" (${consumer.node.op}): ${layer.reason}` };
  if (layer.columns > mostColumns)
    return { reason: `node "${consumer.node.name}" reads ${layer.columns} values at once` };
  return { group, layer, units: unitsOf(consumer, layer), target: targetOf(model, layer.node) };
}

/** Columns of each unit: all taps of its channels. */
const unitsOf = ({ weights }: GroupLayer, { taps }: FittedLayer): number[][] =>
  weights!.positions.map((positions) =>
    positions.flatMap((position) => Array.from({ length: taps }, (_, tap) => position * taps + tap)),
  );

/**
 * A layer is to give what the original's gives. Where it ends a residual branch, it is to give the original's sum, less
 * the shortcut as it is now: so it repairs what earlier layers have lost.
 */
export function targetOf(model: Model, { outputs: [output] }: Node): Target {
  const readers = consumers(model.graph).get(output!) ?? [];
  const [sum, ...others] = readers;
  if (sum?.op !== "Add" || others.length > 0) return { value: output! };
  const shortcut = sum.inputs.find((name) => name !== output);
  const shapes = inferValues(model, { lenient: true });
  const isResidual =
    shortcut !== undefined &&
    !model.graph.constants.has(shortcut) &&
    shapes.get(shortcut)?.shape?.join() === shapes.get(output!)?.shape?.join();
  return isResidual ? { value: sum.outputs[0]!, shortcut } : { value: output! };
}

/** Says of each site which block it empties: that whose branch its layer ends. */
function withBlocks(model: Model, sites: readonly Omit<Site, "block">[]): Site[] {
  const blocks = new Map(residualBlocks(model).map((block) => [block.branch, block]));
  return sites.map((site) => {
    const block = blocks.get(site.layer.node.outputs[0]!);
    return block === undefined ? site : { ...site, block };
  });
}
