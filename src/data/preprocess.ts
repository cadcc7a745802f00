import { decodeImage, type ImageInput } from "./decode.ts";
import { isItem } from "./inputs.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { crop, resample, type Window } from "./resample.ts";
import type { ImageItem, Normalisation, Pixels, Planes } from "./types.ts";

/** Turns images into what a network reads. */
export interface Preprocessor {
  /** Sizes of one prepared image. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** What is left to do: `value = byte * scale + offset`, for each channel. */
  readonly normalisation: Normalisation;
  /** Reads, decodes, converts, resizes and crops one image. Throws InputError. */
  prepare(image: ImageItem | ImageInput): Promise<Planes>;
}

/** Makes the function that carries a preprocessing out. */
export function createPreprocessor(spec: Preprocessing): Preprocessor {
  const channels = spec.color === "grey" ? 1 : 3;
  const [height, width] = outputSize(spec);
  return {
    shape: [channels, height, width],
    normalisation: normalisationOf(spec, channels),
    prepare: async (image) => preparePixels(await pixelsOf(image), spec),
  };
}

async function pixelsOf(image: ImageItem | ImageInput): Promise<Pixels> {
  return isItem(image) ? decodeImage(await image.read(), image.name) : decodeImage(image);
}

/** Converts, resizes and crops decoded pixels. */
export function preparePixels(pixels: Pixels, spec: Preprocessing): Planes {
  const converted = spec.color === "grey" ? toGrey(pixels) : pixels;
  const [width, height] = resizedSize(spec, converted);
  const [cropHeight, cropWidth] = outputSize(spec);
  const [left, visibleWidth, padLeft] = centred(width, cropWidth);
  const [top, visibleHeight, padTop] = centred(height, cropHeight);
  const window = { left, top, width: visibleWidth, height: visibleHeight };
  const visible = cut(converted, width, height, spec, window);
  return toPlanes(visible, spec, { left: padLeft, top: padTop, width: cropWidth, height: cropHeight });
}

function cut(pixels: Pixels, width: number, height: number, spec: Preprocessing, window: Window): Pixels {
  if (width === pixels.width && height === pixels.height) return crop(pixels, window);
  return resample(pixels, width, height, spec.resampler, window);
}

function outputSize(spec: Preprocessing): readonly [height: number, width: number] {
  const size = spec.crop.mode === "center" ? spec.crop.size : spec.resize.mode === "exact" ? spec.resize.size : 0;
  return typeof size === "number" ? [size, size] : size;
}

/** The size to resize to; the longer side is truncated, as in torchvision. */
function resizedSize(spec: Preprocessing, { width, height }: Pixels): readonly [width: number, height: number] {
  const { resize } = spec;
  if (resize.mode === "none") return [width, height];
  if (resize.mode === "exact")
    return typeof resize.size === "number" ? [resize.size, resize.size] : [resize.size[1], resize.size[0]];
  const { size } = resize;
  return width <= height ? [size, Math.trunc((size * height) / width)] : [Math.trunc((size * width) / height), size];
}

/** Where the middle `wanted` of `length` pixels starts, how many there are, and how much padding goes before them. */
function centred(length: number, wanted: number): readonly [start: number, visible: number, before: number] {
  if (length < wanted) return [0, length, Math.floor((wanted - length) / 2)];
  return [roundHalfToEven((length - wanted) / 2), wanted, 0];
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** ITU-R 601 luma with Pillow's 16-bit weights. */
function toGrey(pixels: Pixels): Pixels {
  const { data, width, height, channels } = pixels;
  if (channels === 1) return pixels;
  const grey = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < grey.length; i++, from += channels) {
    grey[i] = (data[from]! * 19595 + data[from + 1]! * 38470 + data[from + 2]! * 7471 + 0x8000) >> 16;
  }
  return { data: grey, width, height, channels: 1 };
}

/** Spreads interleaved pixels over channel planes of `frame`'s size, at its left and top; the rest stays black. */
function toPlanes(pixels: Pixels, spec: Preprocessing, frame: Window): Planes {
  const sources = channelSources(spec, pixels.channels);
  const planes = new Uint8Array(sources.length * frame.width * frame.height);
  for (let y = 0; y < pixels.height; y++) {
    const start = (frame.top + y) * frame.width + frame.left;
    if (sources.length === 1) copyRow(pixels, y, planes, start);
    else spreadRow(pixels, y, sources, planes, start);
  }
  return planes;
}

/** Copies the first channel of a row to `start` on. */
function copyRow({ data, width, channels }: Pixels, y: number, plane: Planes, start: number): void {
  let from = y * width * channels;
  for (let to = start; to < start + width; to++) {
    plane[to] = data[from]!;
    from += channels;
  }
}

/** Copies a row to `start` on in each of three planes. */
function spreadRow(
  { data, width, channels }: Pixels,
  y: number,
  [first, second, third]: readonly number[],
  planes: Planes,
  start: number,
): void {
  const area = planes.length / 3;
  let from = y * width * channels;
  for (let to = start; to < start + width; to++) {
    planes[to] = data[from + first!]!;
    planes[to + area] = data[from + second!]!;
    planes[to + 2 * area] = data[from + third!]!;
    from += channels;
  }
}

/** Which channel of the pixels each plane shows. */
function channelSources(spec: Preprocessing, channels: number): readonly number[] {
  if (spec.color === "grey") return [0];
  if (channels === 1) return [0, 0, 0];
  return spec.color === "bgr" ? [2, 1, 0] : [0, 1, 2];
}

function normalisationOf(spec: Preprocessing, channels: number): Normalisation {
  const [low, high] = spec.range;
  const each = Array.from({ length: channels }, (_, c) => ({
    mean: spec.mean[c] ?? spec.mean[0]!,
    std: spec.std[c] ?? spec.std[0]!,
  }));
  return {
    scale: each.map(({ std }) => (high - low) / 255 / std),
    offset: each.map(({ mean, std }) => (low - mean) / std),
  };
}
