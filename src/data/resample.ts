import { UsageError } from "../errors.ts";
import type { Pixels } from "./types.ts";

/** Resampling filters, by Pillow's names. */
export const resamplers = ["nearest", "bilinear", "bicubic", "lanczos"] as const;
export type Resampler = (typeof resamplers)[number];

/** A rectangle of the resized image, in its pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Resizes as Pillow's `Image.resize` does, to the bit, and returns `window` of the result (all of it by default).
 *
 * A separable convolution whose filter widens with the scale, so that shrinking does not alias; coefficients are rounded to
 * 22 fractional bits, and each pass (horizontal, then vertical) rounds to bytes. An unchanged size skips its pass.
 * `nearest` takes the pixel under the centre instead.
 */
export function resample(image: Pixels, width: number, height: number, resampler: Resampler, window?: Window): Pixels {
  const part = window ?? { left: 0, top: 0, width, height };
  if (part.left < 0 || part.top < 0 || part.left + part.width > width || part.top + part.height > height) {
    throw new UsageError(
      `window ${JSON.stringify(part)} lies outside the resized image of ${width} x ${height} pixels`,
    );
  }
  if (resampler === "nearest") return nearest(image, width, height, part);
  const columns = taps(image.width, width, filters[resampler], part.left, part.width);
  const rows = taps(image.height, height, filters[resampler], part.top, part.height);
  return alongHeight(alongWidth(image, columns, rows.first, rows.end), rows);
}

interface Filter {
  /** Half of its width, in pixels of the coarser image. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

const filters: Readonly<Record<Exclude<Resampler, "nearest">, Filter>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (-3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Keys, "Cubic convolution interpolation for digital image processing" (1981), with a = -1/2. */
function cubic(x: number): number {
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

const fractionBits = 22;
const one = 1 << fractionBits;
const half = one >> 1;

/** The weighted inputs of each output along one axis; outputs count from the window's start. */
interface Taps {
  readonly count: number;
  /** Whether every output is the input at the same position. */
  readonly identity: boolean;
  /** First input of each output. */
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** Fixed-point weights, `stride` for each output. */
  readonly weights: Int32Array;
  readonly stride: number;
  /** Inputs that any output needs: `first <= input < end`. */
  readonly first: number;
  readonly end: number;
}

function taps(inputs: number, outputs: number, filter: Filter, offset: number, count: number): Taps {
  const scale = inputs / outputs;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(count);
  const lengths = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  for (let i = 0; i < count; i++) {
    const centre = (offset + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inputs, Math.trunc(centre + support + 0.5));
    starts[i] = start;
    lengths[i] = end - start;
    storeWeights(filter, start - centre + 0.5, 1 / stretch, weights.subarray(i * stride, i * stride + end - start));
  }
  if (inputs === outputs)
    return { count, identity: true, starts, lengths, weights, stride, first: offset, end: offset + count };
  const last = count - 1;
  return {
    count,
    identity: false,
    starts,
    lengths,
    weights,
    stride,
    first: starts[0]!,
    end: starts[last]! + lengths[last]!,
  };
}

/** Fixed-point weights that sum to 1, written to `weights`; each is rounded away from zero at the half. */
function storeWeights(filter: Filter, from: number, step: number, weights: Int32Array): void {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += filter.weight((i + from) * step);
  for (let i = 0; i < weights.length; i++) {
    const share = filter.weight((i + from) * step) / sum;
    weights[i] = Math.trunc(share * one + (share < 0 ? -0.5 : 0.5));
  }
}

/** The horizontal pass over input rows `firstRow` to `endRow`; the result starts at `firstRow`. */
function alongWidth(image: Pixels, columns: Taps, firstRow: number, endRow: number): Pixels & { firstRow: number } {
  const { channels } = image;
  const width = columns.count;
  const height = endRow - firstRow;
  const rowBytes = image.width * channels;
  if (columns.identity) return { ...cropColumns(image, columns, firstRow, height), firstRow };
  const data = new Uint8Array(width * height * channels);
  let target = 0;
  for (let y = firstRow; y < endRow; y++) {
    for (let x = 0; x < width; x++) {
      const from = y * rowBytes + columns.starts[x]! * channels;
      const length = columns.lengths[x]!;
      if (channels === 3) {
        convolveRgb(image.data, from, 3, columns.weights, x * columns.stride, length, data, target);
      } else {
        for (let c = 0; c < channels; c++) {
          data[target + c] = convolve(image.data, from + c, channels, columns.weights, x * columns.stride, length);
        }
      }
      target += channels;
    }
  }
  return { data, width, height, channels, firstRow };
}

function cropColumns(image: Pixels, columns: Taps, firstRow: number, height: number): Pixels {
  return crop(image, { left: columns.first, top: firstRow, width: columns.count, height });
}

/** The vertical pass. */
function alongHeight(image: Pixels & { firstRow: number }, rows: Taps): Pixels {
  const { width, channels, firstRow } = image;
  if (rows.identity) return { data: image.data, width, height: rows.count, channels };
  const rowBytes = width * channels;
  const data = new Uint8Array(rowBytes * rows.count);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < rows.count; y++) {
    sums.fill(half);
    for (let i = 0; i < rows.lengths[y]!; i++) {
      addRow(sums, image.data, (rows.starts[y]! - firstRow + i) * rowBytes, rows.weights[y * rows.stride + i]!);
    }
    storeRow(sums, data, y * rowBytes);
  }
  return { data, width, height: rows.count, channels };
}

function addRow(sums: Int32Array, pixels: Uint8Array, from: number, weight: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i]! + pixels[from + i]! * weight) | 0;
}

function storeRow(sums: Int32Array, pixels: Uint8Array, from: number): void {
  for (let i = 0; i < sums.length; i++) pixels[from + i] = clamp(sums[i]! >> fractionBits);
}

function convolve(
  pixels: Uint8Array,
  from: number,
  step: number,
  weights: Int32Array,
  first: number,
  count: number,
): number {
  let sum = half;
  for (let i = 0; i < count; i++) sum = (sum + pixels[from + i * step]! * weights[first + i]!) | 0;
  return clamp(sum >> fractionBits);
}

/** `convolve` of three neighbouring channels at once. */
function convolveRgb(
  pixels: Uint8Array,
  from: number,
  step: number,
  weights: Int32Array,
  first: number,
  count: number,
  out: Uint8Array,
  target: number,
): void {
  let red = half;
  let green = half;
  let blue = half;
  for (let i = 0; i < count; i++) {
    const weight = weights[first + i]!;
    const at = from + i * step;
    red = (red + pixels[at]! * weight) | 0;
    green = (green + pixels[at + 1]! * weight) | 0;
    blue = (blue + pixels[at + 2]! * weight) | 0;
  }
  out[target] = clamp(red >> fractionBits);
  out[target + 1] = clamp(green >> fractionBits);
  out[target + 2] = clamp(blue >> fractionBits);
}

function clamp(value: number): number {
  return value < 0 ? 0 : Math.min(value, 255);
}

function nearest(image: Pixels, width: number, height: number, window: Window): Pixels {
  const columns = centres(image.width, width).subarray(window.left, window.left + window.width);
  const rows = centres(image.height, height).subarray(window.top, window.top + window.height);
  const { channels } = image;
  const data = new Uint8Array(window.width * window.height * channels);
  let target = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * image.width + column) * channels;
      for (let c = 0; c < channels; c++) data[target++] = image.data[from + c]!;
    }
  }
  return { data, width: window.width, height: window.height, channels };
}

/** The input under each output's centre; positions accumulate in floating point, as Pillow's do. */
function centres(inputs: number, outputs: number): Int32Array {
  const step = inputs / outputs;
  const positions = new Int32Array(outputs);
  let position = step * 0.5;
  for (let i = 0; i < outputs; i++, position += step) positions[i] = Math.min(inputs - 1, Math.trunc(position));
  return positions;
}

/** Cuts a window out of an image. */
export function crop(image: Pixels, window: Window): Pixels {
  const { channels } = image;
  const { left, top, width, height } = window;
  if (width === image.width && left === 0) {
    return {
      data: image.data.subarray(top * width * channels, (top + height) * width * channels),
      width,
      height,
      channels,
    };
  }
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { data, width, height, channels };
}
