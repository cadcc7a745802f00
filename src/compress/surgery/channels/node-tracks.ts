import { type Model, type Node, readsOf } from "../../../onnx/index.ts";
import { type Inferred, NodeContext } from "../../../onnx/operators/index.ts";
import type { Axes, Axis, Tracks } from "./tracks.ts";

/** A layer that makes or takes in channels through weights. */
export interface LayerAxes {
  readonly node: Node;
  /** The axis of its output that it writes, or of its input that it sums over. */
  readonly channels: Axis;
  /** The axis of its constant weights beside it; undefined where it multiplies two computed values. */
  readonly weights: Axis | undefined;
}

/** The layers met so far. */
export interface Layers {
  readonly producers: LayerAxes[];
  readonly consumers: LayerAxes[];
}

type MaybeAxis = Axes[number];

/** A node with the tracks of the values that it reads and makes: what a rule sees. */
export class NodeTracks extends NodeContext {
  readonly #model: Model;
  readonly #tracks: Tracks;
  readonly #layers: Layers;
  readonly #values: ReadonlyMap<string, Inferred>;

  constructor(node: Node, model: Model, values: ReadonlyMap<string, Inferred>, tracks: Tracks, layers: Layers) {
    super(
      node,
      model.opset,
      node.inputs.map((name) => values.get(name)),
    );
    this.#model = model;
    this.#values = values;
    this.#tracks = tracks;
    this.#layers = layers;
  }

  /** What is known of the first output. */
  get output(): Inferred | undefined {
    return this.#values.get(this.node.outputs[0]!);
  }

  /** What is known of the values made from the first output. */
  get derived(): readonly (Inferred | undefined)[] {
    const readers = this.#model.graph.nodes.filter((node) => readsOf(node).has(this.node.outputs[0]!));
    return readers.flatMap((reader) => reader.outputs.map((name) => this.#values.get(name)));
  }

  /** Whether an input is given. */
  isGiven(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  /** Whether an output is wanted. */
  isOutputGiven(index: number): boolean {
    return (this.node.outputs[index] ?? "") !== "";
  }

  /** Whether an input is a constant of the graph. */
  isConstant(index: number): boolean {
    return this.#model.graph.constants.has(this.node.inputs[index] ?? "");
  }

  /** The axes of an input; of an omitted one none. */
  inputAxes(index: number): Axes {
    return this.#tracks.axesOf(this.node.inputs[index] ?? "") ?? [];
  }

  /** The axes of an output. */
  outputAxes(index = 0): Axes {
    return this.#tracks.axesOf(this.node.outputs[index] ?? "") ?? [];
  }

  /** Makes two axes lose the same elements. Where the size of one is unknown, the other must stay as it is. */
  join(a: MaybeAxis, b: MaybeAxis): void {
    if (a !== undefined && b !== undefined && a.size !== b.size) this.fail(`sizes ${a.size} and ${b.size} do not fit`);
    this.joinPart(a, 0, b, 0, a?.size ?? 0);
  }

  /** Makes `count` elements of two axes go together, from a position in each. */
  joinPart(a: MaybeAxis, fromA: number, b: MaybeAxis, fromB: number, count: number): void {
    if (a === undefined || b === undefined) {
      this.freeze([a, b], "one of the sizes that must agree is unknown");
      return;
    }
    for (let at = 0; at < count; at++) this.#tracks.join(a, fromA + at, b, fromB + at);
  }

  /** Joins each axis of `from` with the axis of `to` that lies as far from the end; size 1 is broadcast. */
  joinBroadcast(from: Axes, to: Axes): void {
    for (const [axis, a] of from.entries()) {
      const b = to[axis + to.length - from.length];
      if (a?.size !== 1) this.join(a, b);
    }
  }

  /** Makes axes stay as they are. */
  freeze(axes: Axes, because: string): void {
    const reason = `node "${this.node.name}" (${this.node.op}): ${because}`;
    for (const axis of axes) if (axis !== undefined) this.#tracks.freeze(axis, reason);
  }

  /** Makes every axis of all that the node reads, within its subgraphs too, and makes stay. */
  freezeAll(because: string): void {
    for (const value of [...readsOf(this.node), ...this.node.outputs]) {
      this.freeze(this.#tracks.axesOf(value) ?? [], because);
    }
  }

  /** Whether any element of an axis may still go. */
  isFree(axis: MaybeAxis): boolean {
    return axis !== undefined && this.#tracks.isFree(axis);
  }

  /** Notes that the node makes channels; `weights` is the axis of its weights that holds them. */
  writes(channels: MaybeAxis, weights: MaybeAxis): void {
    this.#note(this.#layers.producers, channels, weights);
  }

  /** Notes that the node sums over channels. */
  reads(channels: MaybeAxis, weights?: MaybeAxis): void {
    this.#note(this.#layers.consumers, channels, weights);
  }

  #note(layers: LayerAxes[], channels: MaybeAxis, weights: MaybeAxis): void {
    const constant = weights !== undefined && this.#model.graph.constants.has(weights.value);
    if (channels !== undefined) layers.push({ node: this.node, channels, weights: constant ? weights : undefined });
  }
}
