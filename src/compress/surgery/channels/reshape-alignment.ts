import type { Dim } from "../../../onnx/index.ts";
import { isKnown } from "../../../onnx/operators/dims.ts";

/** Axes of a view's input and output with the same elements in the same order. */
export interface Block {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** How the axes of a view's input and output correspond. */
export interface Alignment {
  /**
   * The smallest blocks with as many elements on both sides; axes of size 1 belong to none. Before an unknown size one
   * axis may stand against a multiple of it: heads that are merged with an open batch.
   */
  readonly blocks: readonly Block[];
  /** Axes that an unknown size keeps from being told apart. */
  readonly opaque: Block;
}

/** Aligns two shapes with the same elements in row-major order, from both ends up to a size that is unknown. */
export function alignedDims(from: readonly Dim[], to: readonly Dim[]): Alignment {
  const [a, b] = [numbered(from), numbered(to)];
  const front = blocksFrom(a, b);
  const restA = a.slice(lengthOf(front, "from"));
  const restB = b.slice(lengthOf(front, "to"));
  const back = blocksFrom(restA.toReversed(), restB.toReversed()).map(reversed).toReversed();
  const leftA = restA.slice(0, restA.length - lengthOf(back, "from"));
  const leftB = restB.slice(0, restB.length - lengthOf(back, "to"));
  const multiple = isMultiple(leftA.at(-1)?.size, leftB.at(-1)?.size)
    ? [{ from: [leftA.pop()!.axis], to: [leftB.pop()!.axis] }]
    : [];
  return { blocks: [...front, ...multiple, ...back], opaque: { from: axesOf(leftA), to: axesOf(leftB) } };
}

/** Whether one of two known sizes is a multiple of the other. */
const isMultiple = (a: Dim, b: Dim): boolean => isKnown(a) && isKnown(b) && (a % b === 0 || b % a === 0);

const lengthOf = (blocks: readonly Block[], side: keyof Block): number =>
  blocks.reduce((length, block) => length + block[side].length, 0);

const reversed = ({ from, to }: Block): Block => ({ from: from.toReversed(), to: to.toReversed() });

interface Numbered {
  readonly axis: number;
  readonly size: Dim;
}

/** The axes that hold more than one element, or may. */
const numbered = (shape: readonly Dim[]): Numbered[] =>
  shape.map((size, axis) => ({ axis, size })).filter(({ size }) => size !== 1);

/** Blocks from the front, as far as sizes are known or symbols agree. */
function blocksFrom(a: readonly Numbered[], b: readonly Numbered[]): Block[] {
  const blocks: Block[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const block = blockAt(a.slice(i), b.slice(j));
    if (block === undefined) break;
    blocks.push(block);
    i += block.from.length;
    j += block.to.length;
  }
  return blocks;
}

/** The smallest block at the front; undefined where a size in it is unknown. */
function blockAt(a: readonly Numbered[], b: readonly Numbered[]): Block | undefined {
  const [first, other] = [a[0]!, b[0]!];
  if (first.size !== undefined && first.size === other.size) return { from: [first.axis], to: [other.axis] };
  let [from, to] = [1, 1];
  for (;;) {
    const [left, right] = [product(a.slice(0, from)), product(b.slice(0, to))];
    if (left === undefined || right === undefined) return undefined;
    if (left === right) return { from: axesOf(a.slice(0, from)), to: axesOf(b.slice(0, to)) };
    if (left < right) from++;
    else to++;
    if (from > a.length || to > b.length) return undefined;
  }
}

const axesOf = (part: readonly Numbered[]): number[] => part.map(({ axis }) => axis);

const product = (part: readonly Numbered[]): number | undefined =>
  part.every(({ size }) => isKnown(size)) ? part.reduce((size, dim) => size * Number(dim.size), 1) : undefined;
