import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { collect, fileChunks, readHead } from "../chunks.ts";
import type { ImageSource } from "../types.ts";
import { classesOfNumbers, namesIn } from "./classes.ts";
import { holds, type OpenOptions, type SourceFormat, type Split } from "./format.ts";
import { refuseSplit } from "./layout.ts";
import { packedSource } from "./packed.ts";

/** MNIST's format (Y. LeCun): two zeros, the type (8: bytes), the rank, big-endian sizes, data in C order. */
const imageMagic = ["\0\0\x08\x03", "\0\0\x08\x04"];
const labelMagic = "\0\0\x08\x01";

/** `train-images-idx3-ubyte.gz`, `t10k-images.idx3-ubyte`, ... */
const imagesName = /images[-.]idx3-ubyte(\.gz)?$/;

/** A file of images; their labels are looked for beside it. */
export const idxFile: SourceFormat = {
  name: "an idx file of MNIST's kind",
  accepts: ({ kind, head }) => kind === "file" && imageMagic.some((magic) => holds(head, magic)),
  open: ({ path }, options) => openIdx(path, path, options),
};

/** A folder of such files. */
export const idxFolder: SourceFormat = {
  name: "a folder of MNIST's idx files",
  accepts: ({ kind, entries }) => kind === "folder" && entries.some((name) => imagesName.test(name)),
  open: ({ path, entries }, options) => {
    const file = chooseSplit(
      entries.filter((name) => imagesName.test(name)),
      options.split,
      path,
    );
    return openIdx(join(path, file), path, options);
  },
};

/** `train-...` and `t10k-...` are the official names. */
function splitOf(file: string): Split {
  return /^(t10k|test)/.test(file) ? "test" : "train";
}

function chooseSplit(files: readonly string[], split: Split | undefined, where: string): string {
  if (split === undefined && files.length > 1) return refuseSplit(where, files.map(splitOf));
  const file = files.find((name) => split === undefined || splitOf(name) === split);
  if (file === undefined)
    throw new InputError(where, `has no part "${split}"; it has ${files.map(splitOf).join(", ")}`);
  return file;
}

async function openIdx(path: string, name: string, options: OpenOptions): Promise<ImageSource> {
  const [count, height, width, channels = 1] = sizes(await readHead(path), path);
  if (count === undefined || height === undefined || width === undefined) throw new InputError(path, "is truncated");
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw new InputError(path, `has ${channels} channels; known: 1, 3, 4`);
  const labels = await readLabelsOf(path, count);
  const file = {
    name: basename(path),
    path,
    count,
    header: channels === 1 ? 16 : 20,
    size: height * width * channels,
    chunks: () => fileChunks(path),
    decode: (data: Uint8Array, index: number) => {
      const label = labels?.[index];
      return { pixels: { data, width, height, channels } as const, ...(label !== undefined && { label }) };
    },
  };
  const names = options.labels ?? (await namesIn(dirname(path)));
  const classes = labels && classesOfNumbers(Math.max(...new Set(labels)), names, path);
  return packedSource(name, [file], classes);
}

function sizes(head: Uint8Array, path: string): number[] {
  const rank = head[3] ?? 0;
  if (head.length < 4 + 4 * rank) throw new InputError(path, "is truncated: it ends within its header; copy it again");
  const view = new DataView(head.buffer, head.byteOffset);
  return Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
}

/** The labels in the file that is named like the images'; undefined when there is none. */
async function readLabelsOf(images: string, count: number): Promise<Uint8Array | undefined> {
  const wanted = basename(images).replace(/\.gz$/, "").replace("images", "labels").replace("idx3", "idx1");
  const found = (await readdir(dirname(images))).find((name) => name === wanted || name === `${wanted}.gz`);
  if (found === undefined || found === basename(images)) return undefined;
  const path = join(dirname(images), found);
  const bytes = await collect(fileChunks(path));
  if (!holds(bytes, labelMagic)) throw new InputError(path, "is no idx file of labels");
  const labels = bytes.subarray(8);
  if (labels.length !== count)
    throw new InputError(path, `holds ${labels.length} labels for ${count} images in ${basename(images)}`);
  return labels;
}
