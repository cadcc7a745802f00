import type { Normalisation } from "../data/types.ts";
import type { Batch, Network } from "./types.ts";

/** How a network reads images: the part of it that `writeInput` needs. */
export interface InputFormat {
  readonly input: Pick<Network["input"], "layout" | "shape">;
  readonly normalisation: Normalisation;
}

/** Number of values in one image. */
export const imageSize = ({ input }: Pick<InputFormat, "input">): number =>
  input.shape.reduce((product, size) => product * size, 1);

/**
 * Writes images `from` to `to` (exclusive) of `batch` into `target` as the network reads them: bytes normalised,
 * planes (C x H x W) interleaved (H x W x C) for an NHWC network. What remains of `target` is filled with zeros.
 */
export function writeInput(target: Float32Array, batch: Batch, from: number, to: number, network: InputFormat): void {
  const size = imageSize(network);
  const images = batch.data.subarray(from * size, to * size);
  if (network.input.layout === "NHWC") interleave(target, images, network);
  else if (images instanceof Float32Array) target.set(images);
  else normalise(target, images, network);
  target.fill(0, images.length);
}

function normalise(target: Float32Array, bytes: Uint8Array, { input, normalisation }: InputFormat): void {
  const [channels, height, width] = input.shape;
  const plane = height * width;
  const tables = Array.from({ length: channels }, (_, channel) => byteTable(normalisation, channel));
  for (let start = 0, channel = 0; start < bytes.length; start += plane, channel = (channel + 1) % channels) {
    const table = tables[channel]!;
    for (let i = start; i < start + plane; i++) target[i] = table[bytes[i]!]!;
  }
}

function interleave(
  target: Float32Array,
  images: Uint8Array | Float32Array,
  { input, normalisation }: InputFormat,
): void {
  const [channels, height, width] = input.shape;
  const plane = height * width;
  const float = images instanceof Float32Array;
  for (let start = 0; start < images.length; start += channels * plane) {
    for (let channel = 0; channel < channels; channel++) {
      const table = float ? undefined : byteTable(normalisation, channel);
      const source = start + channel * plane;
      for (let i = 0; i < plane; i++) {
        const value = images[source + i]!;
        target[start + i * channels + channel] = table === undefined ? value : table[value]!;
      }
    }
  }
}

/** What each byte becomes in this channel. */
function byteTable({ scale, offset }: Normalisation, channel: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => byte * scale[channel]! + offset[channel]!);
}
