import { basename } from "node:path";
import { InputError } from "../../errors.ts";
import { type Chunks, collect, fileChunks } from "../chunks.ts";
import { decodeIntegers, parseNpyHeader } from "../npy.ts";
import type { ImageSource, Pixels } from "../types.ts";
import { readZip, type ZipEntry } from "../zip.ts";
import { classesOfNumbers, list } from "./classes.ts";
import { holds, type OpenOptions, type SourceFormat } from "./format.ts";
import { interleave, packedSource } from "./packed.ts";

/** An array of images without labels. */
export const npyFile: SourceFormat = {
  name: "a .npy array of bytes (N x H x W, with channels before or behind)",
  accepts: ({ kind, head }) => kind === "file" && holds(head, "\x93NUMPY"),
  open: async ({ path, head }) => openArray(path, { name: basename(path), head, chunks: () => fileChunks(path) }),
};

const labelNames = ["labels.npy", "label.npy", "y.npy"];

/** An array of images, and one of labels named `labels` or `y`. */
export const npzFile: SourceFormat = {
  name: "a .npz with arrays `images` and `labels`",
  accepts: ({ kind, head }) => kind === "file" && holds(head, "PK\x03\x04"),
  open: openNpz,
};

async function openNpz({ path }: { path: string }, options: OpenOptions): Promise<ImageSource> {
  const entries = await readZip(path);
  const labelEntry = entries.find(({ name }) => labelNames.includes(name));
  const image = await imageEntry(
    entries.filter((entry) => entry !== labelEntry),
    path,
  );
  const labels = labelEntry && decodeIntegers(await collect(labelEntry.chunks()), `${path}: ${labelEntry.name}`);
  const array = { name: basename(path), head: await firstChunk(image), chunks: () => image.chunks() };
  return openArray(path, array, labels, options);
}

async function imageEntry(entries: readonly ZipEntry[], path: string): Promise<ZipEntry> {
  const arrays = entries.filter(({ name }) => name.endsWith(".npy"));
  const named = arrays.find(({ name }) => /^(images?|x|data)\.npy$/.test(name));
  const image = named ?? (arrays.length === 1 ? arrays[0] : undefined);
  if (image !== undefined) return image;
  const found = list(entries.map(({ name }) => name));
  throw new InputError(
    path,
    `holds ${found}; name the array of images "images" (a zip of image files: pack it as tar)`,
  );
}

/** Enough of an array for its header. */
async function firstChunk(entry: ZipEntry): Promise<Uint8Array> {
  for await (const chunk of entry.chunks()) return chunk;
  return new Uint8Array();
}

interface PackedArray {
  readonly name: string;
  readonly head: Uint8Array;
  readonly chunks: () => Chunks;
}

function openArray(path: string, array: PackedArray, labels?: Int32Array, options: OpenOptions = {}): ImageSource {
  const { type, shape, length } = parseNpyHeader(array.head, path);
  if (type !== "|u1") throw new InputError(path, `holds elements of type "${type}"; save bytes: (...).astype("uint8")`);
  const [count = 0, ...dims] = shape;
  const toPixels = pixelReader(dims, path);
  if (count === 0) throw new InputError(path, "holds no images");
  if (labels !== undefined) checkLabels(labels, count, path);
  const file = {
    name: array.name,
    path,
    count,
    header: length,
    size: dims.reduce((product, size) => product * size, 1),
    chunks: array.chunks,
    decode: (bytes: Uint8Array, index: number) => {
      const label = labels?.[index];
      return { pixels: toPixels(bytes), ...(label !== undefined && { label }) };
    },
  };
  const classes =
    labels &&
    classesOfNumbers(
      labels.reduce((a, b) => Math.max(a, b)),
      options.labels,
      path,
    );
  return packedSource(path, [file], classes);
}

function checkLabels(labels: Int32Array, count: number, path: string): void {
  if (labels.length !== count) throw new InputError(path, `holds ${labels.length} labels for ${count} images`);
  const wrong = labels.findIndex((label) => label < 0);
  if (wrong >= 0) throw new InputError(path, `label ${wrong} is ${labels[wrong]}; labels count from 0`);
}

/** How the bytes of one image of sizes `dims` become pixels. */
function pixelReader(dims: readonly number[], path: string): (bytes: Uint8Array) => Pixels {
  const [a = 0, b = 0, c = 1] = dims;
  if (dims.length === 2 || (dims.length === 3 && isChannels(c))) {
    const channels = isChannels(c) ? c : 1;
    return (data) => ({ data, width: b, height: a, channels });
  }
  if (dims.length === 3 && isChannels(a)) return (data) => interleave(data, a, b, c);
  throw new InputError(
    path,
    `has images of sizes [${dims.join(", ")}]; known: [H, W], [H, W, C], [C, H, W] with 1, 3 or 4 channels`,
  );
}

function isChannels(size: number): size is 1 | 3 | 4 {
  return size === 1 || size === 3 || size === 4;
}
