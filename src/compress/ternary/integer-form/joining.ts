import { sizeOf } from "../../../onnx/index.ts";
import { quantise, roundToCode } from "./rounding.ts";
import type { CodedValue, Codes, Concatenation } from "./types.ts";

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

/** Values one behind the other along an axis. Each code becomes that of its value in the output, by a table. */
export function concatenation({ axis }: Concatenation, inputs: readonly Codes[], output: CodedValue): Uint8Array {
  const result = new Uint8Array(sizeOf(output.shape));
  const row = sizeOf(output.shape.slice(axis));
  let column = 0;
  for (const { data, shape, ...meaning } of inputs) {
    const width = sizeOf(shape.slice(axis));
    const codes = data.map(tableBetween(meaning, output));
    for (let from = 0, to = column; from < codes.length; from += width, to += row) {
      result.set(codes.subarray(from, from + width), to);
    }
    column += width;
  }
  return result;
}

/** Gives the code in `to` of what a code means in `from`. */
function tableBetween(from: Omit<CodedValue, "shape">, to: CodedValue): (code: number) => number {
  const table = Uint8Array.from({ length: 256 }, (_, code) =>
    quantise(Math.fround(Math.fround(from.scale) * (code - from.zeroPoint)), to),
  );
  return (code) => table[code]!;
}
