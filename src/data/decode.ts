import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { InputError, UsageError } from "../errors.ts";
import { decodeSmallJpeg } from "./jpeg/decode.ts";
import { readWhole } from "./read-whole.ts";
import type { Pixels } from "./types.ts";

/** An image as a program may hold it: a path, a URL (`file:`, `data:`, `http:`, `https:`), an encoded file, or pixels. */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | Blob | Pixels;

/** The largest image that is decoded, in pixels (8192 x 8192): what is larger could exhaust the memory. */
export const maximumPixels = 8192 * 8192;

// One image is one task: parallelism comes from decoding several at once, memory from not keeping what was decoded.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Decodes an image to grey or RGB pixels, as Pillow's `Image.open` does: EXIF orientation, colour profiles and alpha are
 * ignored, and of an animation the first frame is taken.
 *
 * @param name what to call the image in messages; its path or URL by default
 * @throws InputError when it is missing, corrupt, truncated, larger than `maximumPixels`, or no image
 */
export async function decodeImage(input: ImageInput, name = nameOf(input)): Promise<Pixels> {
  if (isPixels(input)) return checkPixels(input, name);
  return decodeBytes(await encodedBytes(input, name), name);
}

/** Whether `value` is a decoded image, or wants to be one. */
export function isPixels(value: ImageInput): value is Pixels {
  return typeof value === "object" && "data" in value;
}

/** Reads an image file. Throws InputError. */
export async function readImageFile(path: string, name = path): Promise<Uint8Array> {
  try {
    return await readWhole(path);
  } catch (cause) {
    throw new InputError(name, "cannot be read; check the path and its permissions", { cause });
  }
}

function nameOf(input: ImageInput): string {
  if (typeof input === "string") return input.startsWith("data:") ? "data: URL" : input;
  if (input instanceof URL) return nameOf(input.href);
  return isPixels(input) ? "pixels" : "image";
}

function checkPixels(pixels: Pixels, name: string): Pixels {
  const { data, width, height, channels } = pixels;
  if (!isBytes(data)) {
    throw new UsageError(`${name}: its data are ${kindOf(data)}; give bytes from 0 to 255 in a Uint8Array`);
  }
  if (![1, 3, 4].includes(channels)) throw new UsageError(`${name}: ${channels} channels; give 1, 3 or 4`);
  if (![width, height].every((size) => Number.isInteger(size) && size > 0)) {
    throw new UsageError(`${name}: is ${width} x ${height}; give whole sizes above 0`);
  }
  if (data.length !== width * height * channels) {
    throw new UsageError(
      `${name}: ${data.length} bytes for ${width} x ${height} x ${channels}; give width * height * channels bytes`,
    );
  }
  return pixels;
}

const isBytes = (data: unknown): boolean => data instanceof Uint8Array || data instanceof Uint8ClampedArray;

const kindOf = (value: unknown): string =>
  typeof value === "object" && value !== null ? `of ${value.constructor.name}` : String(value);

/** The encoded file behind an input that is not decoded yet. Throws InputError. */
export async function encodedBytes(input: Exclude<ImageInput, Pixels>, name: string): Promise<Uint8Array> {
  if (input instanceof Uint8Array) return input;
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  if (input instanceof Blob) return new Uint8Array(await input.arrayBuffer());
  if (input instanceof URL) return fetchBytes(input, name);
  return /^(https?|data|file):/.test(input) ? fetchBytes(parseUrl(input, name), name) : readImageFile(input, name);
}

function parseUrl(text: string, name: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new InputError(name, "is not a valid URL", { cause });
  }
}

async function fetchBytes(url: URL, name: string): Promise<Uint8Array> {
  if (url.protocol === "file:") return readImageFile(fileURLToPath(url), name);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new InputError(name, "cannot be fetched; check the address and the network", { cause });
  }
  if (!response.ok) throw new InputError(name, `the server answers ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Up to here, decoding in JavaScript is faster than asking libvips, and too short to hold others up. */
const smallPixels = 128 * 128;

async function decodeBytes(bytes: Uint8Array, name: string): Promise<Pixels> {
  if (bytes.length === 0) throw new InputError(name, "is empty");
  return decodeSmallJpeg(bytes, smallPixels) ?? decodeByLibvips(bytes, name);
}

async function decodeByLibvips(bytes: Uint8Array, name: string): Promise<Pixels> {
  const options = { failOn: "truncated", limitInputPixels: maximumPixels, ignoreIcc: true } as const;
  try {
    const { data, info } = await sharp(bytes, options).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height, channels: info.channels === 1 ? 1 : 3 };
  } catch (cause) {
    throw new InputError(name, problem(cause instanceof Error ? cause.message : String(cause)), { cause });
  }
}

/** Says what libvips complains about in the words of this project. */
function problem(message: string): string {
  if (/unsupported image format/i.test(message)) return "is not a JPEG, PNG, WebP, GIF or AVIF image";
  if (/pixel limit|maximum supported image dimension/i.test(message))
    return `has more than ${maximumPixels} pixels; shrink it first`;
  if (/premature|truncated|end of (file|stream)/i.test(message)) return "is truncated; copy it again";
  return `is corrupt (${message.split("\n")[0]?.trim()})`;
}
