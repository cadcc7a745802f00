import { sizeOf } from "../../../onnx/index.ts";
import { requantise } from "./rounding.ts";
import type { CodedValue, Codes, Convolution, Dense, Logits, Parameters } from "./types.ts";
import { type Tap, tapsAt } from "./window.ts";

export function convolution({ window, groups, parameters }: Convolution, input: Codes, output: CodedValue): Uint8Array {
  const [channels, rows, columns] = output.shape as [number, number, number];
  const [, height, width] = input.shape as [number, number, number];
  const multipliers = multipliersOf(parameters, input, output);
  const result = new Uint8Array(sizeOf(output.shape));
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const taps = tapsAt(window, [height, width], y, x);
      for (let channel = 0; channel < channels; channel++) {
        const group = Math.floor((channel * groups) / channels);
        const sum = sumOver(taps, parameters, input, channel, group);
        result[(channel * rows + y) * columns + x] = requantise(sum, multipliers[channel]!, output);
      }
    }
  }
  return result;
}

/** The accumulator of one output: bias, and a product for each channel of its group and each tap. */
function sumOver(
  taps: readonly Tap[],
  { dims, codes, biases }: Parameters,
  { data, shape, zeroPoint }: Codes,
  channel: number,
  group: number,
): number {
  const [, inputs, height, width] = dims as [number, number, number, number];
  const [picture, kernel] = [shape[1]! * shape[2]!, height * width];
  let sum = biases[channel]!;
  for (let i = 0; i < inputs; i++) {
    const from = (group * inputs + i) * picture;
    const weights = (channel * inputs + i) * kernel;
    for (const tap of taps) sum += codes[weights + tap.kernel]! * (data[from + tap.picture]! - zeroPoint);
  }
  return sum;
}

export function dense({ parameters }: Dense, input: Codes, output: CodedValue): Uint8Array {
  const multipliers = multipliersOf(parameters, input, output);
  return Uint8Array.from(accumulators(parameters, input), (sum, i) => requantise(sum, multipliers[i]!, output));
}

export function logits({ parameters }: Logits, input: Codes): Float32Array {
  const { scales } = parameters;
  return Float32Array.from(accumulators(parameters, input), (sum, i) => sum * Math.fround(input.scale * scales[i]!));
}

function accumulators({ dims, codes, biases }: Parameters, { data, zeroPoint }: Codes): number[] {
  const [outputs, inputs] = dims as [number, number];
  return Array.from({ length: outputs }, (_, output) => {
    let sum = biases[output]!;
    for (let i = 0; i < inputs; i++) sum += codes[output * inputs + i]! * (data[i]! - zeroPoint);
    return sum;
  });
}

/** What an accumulator is worth in codes of the output, for each channel. */
const multipliersOf = ({ scales }: Parameters, input: CodedValue, output: CodedValue): number[] =>
  scales.map((scale) => Math.fround(Math.fround(input.scale * scale) / output.scale));
