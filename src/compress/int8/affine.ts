import { sizeOf, type Tensor } from "../../onnx/index.ts";
import type { Range } from "./ranges.ts";

/** Asymmetric 8-bit quantisation of activations: value = scale (code - zeroPoint), codes 0 to 255. */
export interface Affine {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** A scale below this one could not be stored as float32 beside a weight's. */
const smallestScale = 2 ** -60;

/** Codes for a range that holds zero; zero has an exact code. A range of zeros only has scale 1. */
export function affineOf({ low, high }: Range): Affine {
  if (low === 0 && high === 0) return { scale: 1, zeroPoint: 0 };
  const scale = Math.fround(Math.max((high - low) / 255, smallestScale));
  return { scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-low / scale))) };
}

/** The code of a value. */
export function quantize(value: number, { scale, zeroPoint }: Affine): number {
  return Math.min(255, Math.max(0, roundHalfEven(value / scale) + zeroPoint));
}

/** The value of a code. */
export const dequantize = (code: number, { scale, zeroPoint }: Affine): number => scale * (code - zeroPoint);

/** QuantizeLinear rounds halves to even. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Weights as signed codes with a scale for each output channel: value = scale[channel] code. */
export interface QuantizedWeights {
  readonly codes: Tensor;
  readonly scales: Float32Array;
  /** The axis of the output channels. */
  readonly axis: number;
  readonly bits: number;
}

/**
 * Quantises weights symmetrically, a scale for each output channel, of least squared error.
 *
 * @param smallest scales that the channels may not go below
 */
export function quantizeWeights(
  weights: Tensor,
  axis: number,
  bits: number,
  smallest: (channel: number) => number,
): QuantizedWeights {
  const channels = channelsOf(weights, axis);
  const scales = Float32Array.from(channels, (values, channel) =>
    Math.max(leastErrorScale(values, bits), smallest(channel), smallestScale),
  );
  const limit = 2 ** (bits - 1);
  const stride = sizeOf(weights.dims.slice(axis + 1));
  const codes = Int8Array.from(weights.data as Float32Array, (value, at) =>
    code(value, scales[Math.floor(at / stride) % channels.length]!, limit),
  );
  return { codes: { type: "int8", dims: weights.dims, data: codes }, scales, axis, bits };
}

const code = (value: number, scale: number, limit: number): number =>
  Math.min(limit - 1, Math.max(-limit, roundHalfEven(value / scale)));

/** The weights of each output channel. */
export function channelsOf(weights: Tensor, axis: number): Float32Array[] {
  const count = weights.dims[axis]!;
  const stride = sizeOf(weights.dims.slice(axis + 1));
  const data = weights.data as Float32Array;
  const channels = Array.from({ length: count }, () => new Float32Array(data.length / count));
  const filled = new Uint32Array(count);
  for (let at = 0; at < data.length; at++) {
    const channel = Math.floor(at / stride) % count;
    channels[channel]![filled[channel]!++] = data[at]!;
  }
  return channels;
}

/** Shares of the largest weight that are tried as the largest code. */
const weightClips = Array.from({ length: 21 }, (_, step) => 1 - step / 100);

/** The scale of least squared error among those that clip up to a fifth of the largest weight; 0 for zeros only, or as good as. */
function leastErrorScale(values: Float32Array, bits: number): number {
  const limit = 2 ** (bits - 1);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest < smallestScale * limit) return 0;
  const scales = weightClips.map((clip) => Math.fround((largest * clip) / (limit - 1)));
  const errors = scales.map((scale) => roundingError(values, scale, limit));
  return scales[errors.indexOf(Math.min(...errors))]!;
}

function roundingError(values: Float32Array, scale: number, limit: number): number {
  let error = 0;
  for (let at = 0; at < values.length; at++) error += (values[at]! - scale * code(values[at]!, scale, limit)) ** 2;
  return error;
}
