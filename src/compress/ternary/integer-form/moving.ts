import { sizeOf } from "../../../onnx/index.ts";
import type { CodedValue, Codes, Pick, Transposition } from "./types.ts";

export function pick({ starts, steps }: Pick, { data, shape, zeroPoint }: Codes, output: CodedValue): Uint8Array {
  const result = new Uint8Array(sizeOf(output.shape)).fill(zeroPoint);
  for (let to = 0; to < result.length; to++) {
    const from = sourceOf(positionOf(to, output.shape), starts, steps, shape);
    if (from !== undefined) result[to] = data[from]!;
  }
  return result;
}

export function transpose({ order }: Transposition, { data, shape }: Codes, output: CodedValue): Uint8Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  return Uint8Array.from({ length: data.length }, (_, to) => {
    const position = positionOf(to, output.shape);
    return data[order.reduce((from, axis, i) => from + strides[axis]! * position[i]!, 0)]!;
  });
}

/** Where each axis stands at a flat index. */
function positionOf(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape
    .toReversed()
    .map((size) => {
      const position = rest % size;
      rest = Math.floor(rest / size);
      return position;
    })
    .toReversed();
}

/** The flat index that a position is picked from; undefined where it lies beyond the input. */
function sourceOf(
  position: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
  shape: readonly number[],
): number | undefined {
  let index = 0;
  for (const [axis, size] of shape.entries()) {
    const at = starts[axis]! + steps[axis]! * position[axis]!;
    if (at < 0 || at >= size) return undefined;
    index = index * size + at;
  }
  return index;
}
