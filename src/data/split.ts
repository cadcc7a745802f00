import { InputError, UsageError } from "../errors.ts";
import { shuffledIndices, stratifiedIndices } from "../shuffle.ts";
import type { ImageItem, ImageSource } from "./types.ts";

/** Which images of a source to use. */
export interface Selection {
  /** A seed: images are numbered in an order drawn from it; by default in the source's own. */
  readonly shuffle?: number;
  /** Images to leave out first; 0 by default. */
  readonly skip?: number;
  /** Images to use; all that are left by default. */
  readonly take?: number;
}

/**
 * The chosen images, in the source's own order: an archive is read straight through. With one `shuffle` seed, the parts
 * `{ take: n }` and `{ skip: n }` are disjoint and together complete.
 *
 * @throws InputError when the source has too few images
 */
export async function selectImages<Item extends Labelled = ImageItem>(
  source: ImageSource<Item>,
  selection: Selection,
): Promise<ImageSource<Item>> {
  const { skip = 0, shuffle } = selection;
  const count = await countImages(source);
  const take = selection.take ?? Math.max(0, count - skip);
  if (!isCount(skip) || !isCount(take)) {
    throw new UsageError(`skip and take must be whole numbers, received ${skip} and ${take}`);
  }
  if (skip + take > count) throw new InputError(source.name, tooFew(count, skip, take));
  const order =
    shuffle === undefined ? Uint32Array.from({ length: count }, (_, i) => i) : shuffledIndices(count, shuffle);
  return subset(source, order.subarray(skip, skip + take), count);
}

function tooFew(count: number, skip: number, take: number): string {
  if (skip > count) return `holds ${count} images, of which ${skip} are to be left out; skip ${count - 1} at most`;
  return `holds ${count} images, of which ${skip} are to be left out and ${take} used; take ${count - skip} at most`;
}

type Labelled = Pick<ImageItem, "label">;

/** How a source is cut into parts. */
export interface SplitOptions {
  /** Each class in its proportion in every part, where all images have one. Default false. */
  readonly stratified?: boolean;
}

/**
 * Cuts a source into disjoint parts of the given sizes, drawn by `seed`; the part of size `rest` gets what is left.
 *
 * @example
 * const { calibration, test } = await splitImages(source, { calibration: 5000, test: "rest" }, 1);
 * @throws InputError when the source has too few images
 */
export async function splitImages<Name extends string, Item extends Labelled = ImageItem>(
  source: ImageSource<Item>,
  sizes: Readonly<Record<Name, number | "rest">>,
  seed: number,
  { stratified = false }: SplitOptions = {},
): Promise<Record<Name, ImageSource<Item>>> {
  const count = await countImages(source);
  const entries = Object.entries<number | "rest">(sizes);
  if (entries.filter(([, size]) => size === "rest").length > 1) throw new UsageError("only one part can have the rest");
  const fixed = entries.reduce((total, [, size]) => total + (size === "rest" ? 0 : size), 0);
  if (fixed > count) throw new InputError(source.name, `holds ${count} images; the parts want ${fixed}`);
  const order = stratified ? await stratifiedOrder(source, seed) : shuffledIndices(count, seed);
  let start = 0;
  const parts = entries.map(([name, size]) => {
    const end = start + (size === "rest" ? count - fixed : size);
    const part = subset(source, order.subarray(start, end), count);
    start = end;
    return [name, part] as const;
  });
  return Object.fromEntries(parts) as Record<Name, ImageSource<Item>>;
}

/** A random order by classes; where an image has none, a random order. */
async function stratifiedOrder(source: ImageSource<Labelled>, seed: number): Promise<Uint32Array> {
  const labels: (number | undefined)[] = [];
  for await (const { label } of source) labels.push(label);
  const known = labels.filter((label) => label !== undefined);
  return known.length === labels.length ? stratifiedIndices(known, seed) : shuffledIndices(labels.length, seed);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

async function countImages(source: ImageSource<unknown>): Promise<number> {
  if (source.count !== undefined) return source.count;
  let count = 0;
  for await (const _ of source) count++;
  return count;
}

function subset<Item>(source: ImageSource<Item>, indices: Uint32Array, count: number): ImageSource<Item> {
  const chosen = new Uint8Array(count);
  for (const index of indices) chosen[index] = 1;
  return {
    name: source.name,
    count: indices.length,
    ...(source.classes && { classes: source.classes }),
    [Symbol.asyncIterator]: () => chosenItems(source, chosen, indices.length),
  };
}

async function* chosenItems<Item>(source: ImageSource<Item>, chosen: Uint8Array, count: number): AsyncGenerator<Item> {
  if (count === 0) return;
  let index = 0;
  let left = count;
  for await (const item of source) {
    if (!chosen[index++]) continue;
    yield item;
    if (--left === 0) return;
  }
}
