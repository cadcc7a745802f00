import { sizeOf } from "../../../onnx/index.ts";
import { requantise, roundToCode } from "./rounding.ts";
import type { Average, CodedValue, Codes, Maximum, Window } from "./types.ts";
import { tapsAt } from "./window.ts";

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

export function maximum({ window }: Maximum, input: Codes, output: CodedValue): Uint8Array {
  return pooled(window, input, output, (codes) => Math.max(...codes));
}

/** The mean of the values in each window, in float32, added in the order in which they stand. */
export function average({ window, overPadding }: Average, input: Codes, output: CodedValue): Uint8Array {
  const { fround } = Math;
  const [from, to] = [fround(input.scale), fround(output.scale)];
  return pooled(window, input, output, (codes) => {
    const sum = codes.reduce((sum, code) => fround(sum + fround(from * (code - input.zeroPoint))), 0);
    const mean = fround(sum / (overPadding ? sizeOf(window.kernel) : codes.length));
    return roundToCode(fround(fround(mean / to) + output.zeroPoint));
  });
}

/** Makes one code of those in each window. */
function pooled(
  window: Window,
  { data, shape }: Codes,
  output: CodedValue,
  make: (codes: readonly number[]) => number,
): Uint8Array {
  const [channels, rows, columns] = output.shape as [number, number, number];
  const [height, width] = shape.slice(1) as [number, number];
  const result = new Uint8Array(sizeOf(output.shape));
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const taps = tapsAt(window, [height, width], y, x);
      for (let channel = 0; channel < channels; channel++) {
        const codes = taps.map(({ picture }) => data[channel * height * width + picture]!);
        result[(channel * rows + y) * columns + x] = make(codes);
      }
    }
  }
  return result;
}
