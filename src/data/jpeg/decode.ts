import type { Pixels } from "../types.ts";
import { BitReader } from "./bits.ts";
import { Declined } from "./declined.ts";
import { type Component, type Header, readHeader } from "./header.ts";
import type { HuffmanTable } from "./huffman.ts";
import { fillBlock, inverseTransform } from "./idct.ts";
import { type Plane, upsampler } from "./upsample.ts";

/**
 * Decodes a baseline JPEG of at most `maximumPixels`, to the bytes that libjpeg-turbo gives. For small images this is many
 * times as fast as handing them to libvips. Whatever is not plain and sound gives undefined, and is left to libvips.
 */
export function decodeSmallJpeg(bytes: Uint8Array, maximumPixels: number): Pixels | undefined {
  try {
    const header = readHeader(bytes);
    if (header.width * header.height > maximumPixels || !isCommon(header)) return undefined;
    const channels = channelsOf(header);
    decodeScan(bytes, header, channels);
    return toPixels(header, channels);
  } catch (error) {
    if (error instanceof Declined) return undefined;
    throw error;
  }
}

/** Grey, or luma with chroma at full or half resolution. */
function isCommon({ width, height, components }: Header): boolean {
  if (width === 0 || height === 0) return false;
  if (components.length === 1) return true;
  const [luma, ...chroma] = components;
  if (luma === undefined || components.length !== 3 || components.some(({ id }, i) => id !== i + 1)) return false;
  if (![1, 2].includes(luma.across) || ![1, 2].includes(luma.down)) return false;
  if (chroma.some(({ across, down }) => across !== 1 || down !== 1)) return false;
  return luma.across === 1 || width > 4; // narrower ones are doubled without a filter
}

/** Where each coefficient of the zigzag order stands in the block. */
const zigzag = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
]);

/** A component being decoded. */
interface Channel {
  readonly component: Component;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
  /** What the blocks decode to. */
  readonly plane: Plane;
  /** The plane as it is now, at the image's resolution. */
  readonly full: () => Plane;
  /** The last block's mean, which the next is told relative to. */
  mean: number;
}

/** The header decoded last, and its channels: the next image like it decodes into the same. */
let last: { readonly header: Header; readonly channels: readonly Channel[] } | undefined;

function channelsOf(header: Header): readonly Channel[] {
  if (last?.header !== header) last = { header, channels: openChannels(header) };
  return last.channels;
}

function openChannels(header: Header): readonly Channel[] {
  const { width, height, tables } = header;
  const components = header.components.length === 1 ? header.components.map(alone) : header.components;
  const { unitsAcross, unitsDown } = unitsOf(width, height, components[0]!);
  return components.map((component, i) => {
    const halfWidth = component.across < components[0]!.across;
    const halfHeight = component.down < components[0]!.down;
    const stride = unitsAcross * component.across * 8;
    const plane = {
      data: new Uint8Array(stride * unitsDown * component.down * 8),
      stride,
      width: halfWidth ? (width + 1) >> 1 : width,
      height: halfHeight ? (height + 1) >> 1 : height,
    };
    return { component, ...tables[i]!, plane, full: upsampler(plane, halfWidth, halfHeight), mean: 0 };
  });
}

/** A single component has one block in a unit, whatever it declares (ITU-T T.81, A.2.2). */
const alone = (component: Component): Component => ({ ...component, across: 1, down: 1 });

/** How many units the image has; the first component has the most blocks in one. */
function unitsOf(width: number, height: number, { across, down }: Component) {
  return { unitsAcross: Math.ceil(width / (8 * across)), unitsDown: Math.ceil(height / (8 * down)) };
}

/** Decodes the coded data into the planes of `channels`. */
function decodeScan(bytes: Uint8Array, header: Header, channels: readonly Channel[]): void {
  const { unitsAcross, unitsDown } = unitsOf(header.width, header.height, channels[0]!.component);
  const reader = new BitReader(bytes, header.start);
  for (let unit = 0; unit < unitsAcross * unitsDown; unit++) {
    const restarts = header.restartInterval > 0 && unit % header.restartInterval === 0;
    if (restarts && unit > 0) reader.restart(unit / header.restartInterval - 1);
    if (restarts || unit === 0) for (const channel of channels) channel.mean = 0;
    const x = unit % unitsAcross;
    const y = (unit - x) / unitsAcross;
    for (const channel of channels) decodeUnit(reader, channel, x, y);
  }
  reader.finish();
}

const block = new Int32Array(64);

function decodeUnit(reader: BitReader, channel: Channel, unitX: number, unitY: number): void {
  const { component, plane } = channel;
  for (let v = 0; v < component.down; v++) {
    for (let h = 0; h < component.across; h++) {
      const at = (unitY * component.down + v) * 8 * plane.stride + (unitX * component.across + h) * 8;
      if (decodeBlock(reader, channel)) fillBlock(block[0]!, plane.data, at, plane.stride);
      else inverseTransform(block, plane.data, at, plane.stride);
    }
  }
}

/** The largest sum of a block's coefficients, in size, with which 16-bit implementations of the transform do not overflow. */
const largestSum = 5000;

/** Fills `block` with dequantised coefficients (ITU-T T.81, F.2.2); tells whether the mean is all that there is. */
function decodeBlock(reader: BitReader, channel: Channel): boolean {
  const { quantisation } = channel.component;
  block.fill(0);
  const size = reader.symbol(channel.dc);
  if (size > 11) throw new Declined();
  channel.mean += reader.value(size);
  block[0] = channel.mean * quantisation[0]!;
  let sum = Math.abs(block[0]);
  let flat = true;
  for (let k = 1; k < 64; k++) {
    const symbol = reader.symbol(channel.ac);
    const bits = symbol & 15;
    const zeros = symbol >> 4;
    if (bits === 0) {
      if (zeros !== 15) break;
      k += 15;
      continue;
    }
    k += zeros;
    if (k > 63) throw new Declined();
    const value = reader.value(bits) * quantisation[k]!;
    sum += Math.abs(value);
    block[zigzag[k]!] = value;
    flat = false;
  }
  if (sum > largestSum) throw new Declined();
  return flat;
}

function toPixels({ width, height, components }: Header, channels: readonly Channel[]): Pixels {
  const [luma, blue, red] = channels.map(({ full }) => full());
  if (components.length === 1) return { data: cropped(luma!, width, height), width, height, channels: 1 };
  return { data: toRgb(luma!, blue!, red!, width, height), width, height, channels: 3 };
}

function cropped({ data, stride }: Plane, width: number, height: number): Uint8Array {
  const result = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) result.set(data.subarray(y * stride, y * stride + width), y * width);
  return result;
}

// JFIF's colour transform (ITU-T T.871, section 7) in 16 fractional bits, each product rounded as libjpeg does.
const half = 1 << 15;
const fixed = (value: number): number => Math.round(value * 65536);
const redOfCr = fixed(1.402);
const greenOfCr = fixed(0.71414);
const greenOfCb = fixed(0.34414);
const blueOfCb = fixed(1.772);

function toRgb(luma: Plane, blue: Plane, red: Plane, width: number, height: number): Uint8Array {
  const rgb = new Uint8ClampedArray(width * height * 3);
  const [lights, cbs, crs] = [luma.data, blue.data, red.data];
  let target = 0;
  for (let y = 0; y < height; y++) {
    const [rowOfLuma, rowOfBlue, rowOfRed] = [y * luma.stride, y * blue.stride, y * red.stride];
    for (let x = 0; x < width; x++) {
      const light = lights[rowOfLuma + x]!;
      const cb = cbs[rowOfBlue + x]! - 128;
      const cr = crs[rowOfRed + x]! - 128;
      rgb[target] = light + ((redOfCr * cr + half) >> 16);
      rgb[target + 1] = light + ((half - greenOfCb * cb - greenOfCr * cr) >> 16);
      rgb[target + 2] = light + ((blueOfCb * cb + half) >> 16);
      target += 3;
    }
  }
  return new Uint8Array(rgb.buffer);
}
