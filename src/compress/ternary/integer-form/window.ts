import type { Window } from "./types.ts";

/** A position of a window's kernel, and that of the picture which it covers. */
export interface Tap {
  readonly kernel: number;
  readonly picture: number;
}

/** What a window covers of a picture of `rows` x `columns` where it makes the output at row y and column x. */
export function tapsAt(
  { kernel, strides, dilations, pads }: Window,
  [rows, columns]: readonly [number, number],
  y: number,
  x: number,
): Tap[] {
  const [height, width] = kernel as [number, number];
  const taps: Tap[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const row = y * strides[0]! - pads[0]! + i * dilations[0]!;
      const column = x * strides[1]! - pads[1]! + j * dilations[1]!;
      const inside = row >= 0 && row < rows && column >= 0 && column < columns;
      if (inside) taps.push({ kernel: i * width + j, picture: row * columns + column });
    }
  }
  return taps;
}
