import { isKnown } from "../../../onnx/operators/dims.ts";
import type { Inferred } from "../../../onnx/operators/index.ts";
import { UnionFind } from "./union-find.ts";

/** One axis of a value: an element of it is a position along the axis. */
export interface Axis {
  readonly value: string;
  readonly axis: number;
  readonly size: number;
  /** The number of its first element; the others follow. */
  readonly first: number;
}

/** The axes of a value; undefined where the size is unknown, as an open batch is. */
export type Axes = readonly (Axis | undefined)[];

/**
 * Which elements of which axes must go together. Two elements are joined when a node can run only if both stay or both
 * go; an element is frozen when a node needs it. The elements joined, over the whole graph, are a unit: the least that
 * can be removed.
 */
export class Tracks {
  readonly #axes: ReadonlyMap<string, Axes>;
  readonly #units: UnionFind;
  readonly #frozen = new Map<number, string>();

  constructor(values: ReadonlyMap<string, Inferred>) {
    const { axes, count } = numbered(values);
    this.#axes = axes;
    this.#units = new UnionFind(count);
  }

  /** The axes of a value; undefined for one of unknown rank. */
  axesOf(value: string): Axes | undefined {
    return this.#axes.get(value);
  }

  /** The unit of an element. */
  unitOf(axis: Axis, position: number): number {
    return this.#units.find(axis.first + position);
  }

  /** Makes two elements go together. */
  join(a: Axis, positionInA: number, b: Axis, positionInB: number): void {
    const reason = this.frozenAt(a, positionInA) ?? this.frozenAt(b, positionInB);
    const unit = this.#units.union(a.first + positionInA, b.first + positionInB);
    if (reason !== undefined) this.#frozen.set(unit, reason);
  }

  /** Makes every element of an axis stay. The first reason given is the one that is kept. */
  freeze(axis: Axis, reason: string): void {
    for (let position = 0; position < axis.size; position++) {
      const unit = this.unitOf(axis, position);
      if (!this.#frozen.has(unit)) this.#frozen.set(unit, reason);
    }
  }

  /** Why an element must stay; undefined when it may go. */
  frozenAt(axis: Axis, position: number): string | undefined {
    return this.#frozen.get(this.unitOf(axis, position));
  }

  /** Whether any element of an axis may go. */
  isFree(axis: Axis): boolean {
    return Array.from({ length: axis.size }, (_, position) => this.frozenAt(axis, position)).includes(undefined);
  }
}

function numbered(values: ReadonlyMap<string, Inferred>): { axes: Map<string, Axes>; count: number } {
  const axes = new Map<string, Axes>();
  let count = 0;
  for (const [value, { shape }] of values) {
    if (shape === undefined) continue;
    const ofValue = shape.map((size, axis) => {
      if (!isKnown(size)) return undefined;
      count += size;
      return { value, axis, size, first: count - size };
    });
    axes.set(value, ofValue);
  }
  return { axes, count };
}
