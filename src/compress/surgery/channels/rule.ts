import type { Node } from "../../../onnx/index.ts";
import type { NodeTracks } from "./node-tracks.ts";
import type { Axis } from "./tracks.ts";

/** How an operator ties the elements of its inputs' and outputs' axes together. */
export interface ChannelRule {
  /** Joins what must go together and freezes what must stay. An axis that is left alone may lose any element. */
  readonly follow: (tracks: NodeTracks) => void;
  /** Writes the sizes that are left into the node; absent where it holds none. */
  readonly resize?: (resizing: Resizing) => void;
}

/** Rules by operator. */
export type ChannelRules = Readonly<Record<string, ChannelRule>>;

/** A node under removal: its axes as they were, and what stays of them. */
export interface Resizing {
  /** The node to change. */
  readonly node: Node;
  readonly tracks: NodeTracks;
  /** The positions that stay, in order. */
  readonly kept: (axis: Axis) => readonly number[];
  /** Makes a constant of integers an input of the node. */
  readonly setIntegers: (input: number, values: readonly number[]) => void;
}
