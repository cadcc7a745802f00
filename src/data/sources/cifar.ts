import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { type Chunks, collect, fileChunks } from "../chunks.ts";
import type { ImageSource } from "../types.ts";
import { classesOfNumbers } from "./classes.ts";
import { byName, type OpenOptions, type SourceFormat, type Split } from "./format.ts";
import { refuseSplit } from "./layout.ts";
import { interleave, type PackedFile, packedSource } from "./packed.ts";

const side = 32;
const pixelBytes = 3 * side * side;

/** A binary version of CIFAR (A. Krizhevsky): label bytes, then planes of red, green and blue. */
interface Variant {
  /** The last of them is the label; CIFAR-100 puts a coarser one before. */
  readonly labelBytes: number;
  readonly classes: number;
  /** The file beside the images that names the classes. */
  readonly names: string;
}

const variants: readonly Variant[] = [
  { labelBytes: 1, classes: 10, names: "batches.meta.txt" },
  { labelBytes: 2, classes: 100, names: "fine_label_names.txt" },
];

/** The official files; those of CIFAR-100 are `train.bin` and `test.bin`. */
const officialName = /^(data_batch_\d+|test_batch|train|test)\.bin$/;

/** A folder of the official files. */
export const cifarFolder: SourceFormat = {
  name: "a folder of CIFAR's binary files",
  accepts: ({ kind, entries }) => kind === "folder" && entries.some(isCifarName),
  open: async ({ path, entries }, options) => {
    const members = await membersOf(
      path,
      entries.filter((name) => isCifarName(name) || isNamesFile(name)),
    );
    return openCifar(path, members, options);
  },
};

/** One of these files. */
export const cifarFile: SourceFormat = {
  name: "a binary file of CIFAR-10 or CIFAR-100",
  accepts: ({ path, kind }) => kind === "file" && path.endsWith(".bin"),
  open: async ({ path }, options) => {
    const folder = dirname(path);
    const names = (await readdir(folder)).filter(isNamesFile);
    return openCifar(path, await membersOf(folder, [basename(path), ...names]), options);
  },
};

/** A file, on disk or in an archive. */
export interface Member {
  readonly name: string;
  readonly size: number;
  readonly chunks: () => Chunks;
}

export function isCifarName(name: string): boolean {
  return officialName.test(name);
}

function isNamesFile(name: string): boolean {
  return variants.some((variant) => variant.names === name);
}

async function membersOf(folder: string, names: readonly string[]): Promise<Member[]> {
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { name, size: (await stat(path)).size, chunks: () => fileChunks(path) };
    }),
  );
}

/** The images in `members`, which may hold the names of the classes too. */
export async function openCifar(where: string, members: readonly Member[], options: OpenOptions): Promise<ImageSource> {
  const images = members.filter(({ name }) => !isNamesFile(name)).sort((a, b) => byName(a.name, b.name));
  const chosen = chooseSplit(images, options.split, where);
  const variant = variantOf(chosen, where);
  const names = members.find(({ name }) => name === variant.names);
  const labels = options.labels ?? (names && (await readNames(names)));
  const classes = classesOfNumbers(variant.classes - 1, labels, where);
  return packedSource(
    where,
    chosen.map((member) => packed(member, variant, where)),
    classes,
  );
}

function chooseSplit(files: readonly Member[], split: Split | undefined, where: string): readonly Member[] {
  const splitOf = ({ name }: Member): Split => (name.startsWith("test") ? "test" : "train");
  const found = new Set(files.map(splitOf));
  if (split === undefined && found.size > 1) return refuseSplit(where, [...found]);
  if (split !== undefined && !found.has(split)) throw new InputError(where, `has no part "${split}"`);
  return files.filter((file) => split === undefined || splitOf(file) === split);
}

function variantOf(files: readonly Member[], where: string): Variant {
  const variant = variants.find(({ labelBytes }) =>
    files.every(({ size }) => size > 0 && size % (labelBytes + pixelBytes) === 0),
  );
  if (variant !== undefined) return variant;
  const sizes = files.map(({ name, size }) => `${name} ${size}`).join(", ");
  throw new InputError(where, `holds no whole number of CIFAR images of 3073 or 3074 bytes (${sizes}); copy it again`);
}

async function readNames(member: Member): Promise<string[]> {
  const text = Buffer.from(await collect(member.chunks())).toString("utf8");
  return text.split(/\r?\n/).filter(Boolean);
}

function packed({ name, size, chunks }: Member, variant: Variant, where: string): PackedFile {
  const record = variant.labelBytes + pixelBytes;
  return {
    name,
    path: where,
    count: size / record,
    header: 0,
    size: record,
    chunks,
    decode: (bytes, index) => {
      const label = bytes[variant.labelBytes - 1]!;
      if (label >= variant.classes) {
        throw new InputError(
          where,
          `image ${index} of ${name} has label ${label}, beyond ${variant.classes - 1}: is it CIFAR?`,
        );
      }
      return { pixels: interleave(bytes.subarray(variant.labelBytes), 3, side, side), label };
    },
  };
}
