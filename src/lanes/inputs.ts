import type { Normalisation } from "../data/types.ts";
import type { Network, Pixels } from "./types.ts";

/** How a network reads images: the part of it that `inputWriter` needs. */
export interface InputFormat {
  readonly input: Pick<Network["input"], "layout" | "shape">;
  readonly normalisation: Normalisation;
}

type ImageShape = Network["input"]["shape"];

/** Number of values in one image. */
export const imageSize = ({ input }: Pick<InputFormat, "input">): number =>
  input.shape.reduce((product, size) => product * size, 1);

/** Writes images into `target`, and zeros into what remains of it. */
export type InputWriter = (target: Float32Array, images: Pixels) => void;

/**
 * How a network's inputs are written: bytes normalised, planes (C x H x W) interleaved (H x W x C) for an NHWC network.
 * Float32 images are normalised already.
 */
export function inputWriter(format: InputFormat): InputWriter {
  const { layout, shape } = format.input;
  const tables = Array.from({ length: shape[0] }, (_, channel) => byteTable(format.normalisation, channel));
  return (target, images) => {
    if (layout === "NHWC") interleave(target, images, shape, tables);
    else if (images instanceof Float32Array) target.set(images);
    else normalise(target, images, shape, tables);
    target.fill(0, images.length);
  };
}

type ByteTables = readonly Float32Array[];

/** What each byte becomes in this channel. */
function byteTable({ scale, offset }: Normalisation, channel: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => byte * scale[channel]! + offset[channel]!);
}

function normalise(target: Float32Array, bytes: Uint8Array, shape: ImageShape, tables: ByteTables): void {
  const plane = shape[1] * shape[2];
  for (let start = 0, channel = 0; start < bytes.length; start += plane, channel = (channel + 1) % shape[0]) {
    const table = tables[channel]!;
    for (let i = start; i < start + plane; i++) target[i] = table[bytes[i]!]!;
  }
}

function interleave(
  target: Float32Array,
  images: Pixels,
  [channels, height, width]: ImageShape,
  tables: ByteTables,
): void {
  const plane = height * width;
  const float = images instanceof Float32Array;
  for (let start = 0; start < images.length; start += channels * plane) {
    for (let channel = 0; channel < channels; channel++) {
      const table = tables[channel]!;
      const source = start + channel * plane;
      for (let i = 0; i < plane; i++) {
        const value = images[source + i]!;
        target[start + i * channels + channel] = float ? value : table[value]!;
      }
    }
  }
}
