import { sizeOf } from "../../../onnx/index.ts";
import { requantise, roundToCode } from "./rounding.ts";
import type { CodedValue, Codes, Maximum, Pick } from "./types.ts";
import { tapsAt } from "./window.ts";

/**
 * The sum of two values, each code worth `its scale / output scale` codes of the output: two fused multiply-adds in float32,
 * each rounded once (in float64 product and sum are exact).
 */
export function addition(left: Codes, right: Codes, output: CodedValue): Uint8Array {
  const { fround } = Math;
  const [a, b] = [fround(left.scale / output.scale), fround(right.scale / output.scale)];
  const rest = fround(output.zeroPoint - fround(fround(a * left.zeroPoint) + fround(b * right.zeroPoint)));
  return left.data.map((code, i) => roundToCode(fround(b * right.data[i]! + fround(a * code + rest))));
}

export function mean({ data, shape, scale, zeroPoint }: Codes, output: CodedValue): Uint8Array {
  const size = sizeOf(shape.slice(1));
  const multiplier = Math.fround(scale / Math.fround(output.scale * size));
  return Uint8Array.from({ length: shape[0]! }, (_, channel) => {
    const codes = data.subarray(channel * size, (channel + 1) * size);
    return requantise(
      codes.reduce((sum, code) => sum + code - zeroPoint, 0),
      multiplier,
      output,
    );
  });
}

export function maximum({ window }: Maximum, { data, shape }: Codes, output: CodedValue): Uint8Array {
  const [channels, rows, columns] = output.shape as [number, number, number];
  const [height, width] = shape.slice(1) as [number, number];
  const result = new Uint8Array(sizeOf(output.shape));
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const taps = tapsAt(window, [height, width], y, x);
      for (let channel = 0; channel < channels; channel++) {
        const codes = taps.map(({ picture }) => data[channel * height * width + picture]!);
        result[(channel * rows + y) * columns + x] = Math.max(...codes);
      }
    }
  }
  return result;
}

export function pick({ starts, steps }: Pick, { data, shape, zeroPoint }: Codes, output: CodedValue): Uint8Array {
  const result = new Uint8Array(sizeOf(output.shape)).fill(zeroPoint);
  for (let to = 0; to < result.length; to++) {
    const from = sourceOf(positionOf(to, output.shape), starts, steps, shape);
    if (from !== undefined) result[to] = data[from]!;
  }
  return result;
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
