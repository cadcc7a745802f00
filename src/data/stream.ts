import { availableParallelism } from "node:os";
import { InputError } from "../errors.ts";
import type { Preprocessor } from "./preprocess.ts";
import type { ImageItem, Planes } from "./types.ts";

/** An image ready for the network, or why it is not. */
export type Prepared = PreparedImage | FailedImage;

export interface PreparedImage {
  readonly name: string;
  readonly label?: number;
  readonly planes: Planes;
}

export interface FailedImage {
  readonly name: string;
  readonly label?: number;
  readonly error: InputError;
}

/** An image to prepare, or one that is prepared already. */
export type Preparable = ImageItem | Prepared;

export interface PrepareOptions {
  /** Images read and decoded at once, and held ahead of the consumer; 1 and more, by default 4 for each core. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/**
 * Prepares the images of a source, several at once, and yields them in its order. An image that fails is yielded as a
 * failure and stops nothing; when the source itself breaks off (a truncated archive), that is the last failure. Images that
 * are prepared already pass as they are.
 * No more than `concurrency` images are held. After an abort, or when the consumer leaves, nothing runs on.
 */
export async function* prepareAll(
  source: Iterable<Preparable> | AsyncIterable<Preparable>,
  preprocessor: Pick<Preprocessor, "prepare">,
  { concurrency = 4 * availableParallelism(), signal }: PrepareOptions = {},
): AsyncGenerator<Prepared> {
  const window: Promise<Prepared>[] = [];
  const items = readItems(source);
  try {
    for await (const item of items) {
      signal?.throwIfAborted();
      const prepared = settle(item, preprocessor);
      prepared.catch(() => {}); // is awaited in its turn, perhaps after it has failed
      window.push(prepared);
      if (window.length >= concurrency) yield await window.shift()!;
    }
    while (window.length > 0) {
      signal?.throwIfAborted();
      yield await window.shift()!;
    }
  } finally {
    await Promise.allSettled(window);
  }
}

/** The items of a source; what it throws as InputError becomes its last item. */
async function* readItems(source: Iterable<Preparable> | AsyncIterable<Preparable>): AsyncGenerator<Preparable> {
  try {
    yield* source;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    yield { name: error.file, error };
  }
}

async function settle(item: Preparable, preprocessor: Pick<Preprocessor, "prepare">): Promise<Prepared> {
  if (!("read" in item)) return item;
  const about = { name: item.name, ...(item.label !== undefined && { label: item.label }) };
  try {
    return { ...about, planes: await preprocessor.prepare(item) };
  } catch (error) {
    if (error instanceof InputError) return { ...about, error };
    throw error;
  }
}
