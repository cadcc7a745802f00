import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
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

/** Milliseconds after which preparing lets others have a turn: small images out of an archive never wait by themselves. */
const longestTurn = 2;

/**
 * Prepares the images of a source, several at once, and yields them in its order, each as soon as it is ready: also while
 * the source has yet to give the next. An image that fails is yielded as a failure and stops nothing; when the source itself
 * breaks off (a truncated archive), that is the last failure. Images that are prepared already pass as they are.
 * No more than `concurrency` images are held, and answers of lanes never wait long behind decoding. After an abort, or when the consumer leaves, nothing runs on.
 */
export async function* prepareAll(
  source: Iterable<Preparable> | AsyncIterable<Preparable>,
  preprocessor: Pick<Preprocessor, "prepare">,
  { concurrency = 4 * availableParallelism(), signal }: PrepareOptions = {},
): AsyncGenerator<Prepared> {
  const window: Promised<Prepared>[] = [];
  const items = readItems(source);
  let next: Promised<IteratorResult<Preparable>> | undefined;
  let turn = performance.now();
  try {
    for (let ended = false; !ended || window.length > 0; ) {
      if (performance.now() - turn > longestTurn) {
        await setImmediate();
        turn = performance.now();
      }
      signal?.throwIfAborted();
      if (!ended && window.length < concurrency) next ??= new Promised(items.next());
      const [oldest] = window;
      if (next?.value === undefined && oldest?.value === undefined) await eitherOf(next, oldest);
      if (next?.value !== undefined) {
        if (next.value.done) ended = true;
        else window.push(new Promised(settle(next.value.value, preprocessor)));
        next = undefined;
      } else if (oldest?.value !== undefined) {
        window.shift();
        yield oldest.value;
      }
    }
  } finally {
    const closed = items.return(undefined);
    if (next === undefined) await closed;
    else closed.catch(() => {}); // the source may never give what it was asked for
    await Promise.allSettled(window.map(({ promise }) => promise));
  }
}

/** A promise whose value can be looked at; it may fail before somebody waits for it. */
class Promised<T> {
  readonly promise: Promise<T>;
  value: T | undefined;

  constructor(promise: Promise<T>) {
    this.promise = promise;
    this.#watch().catch(() => {});
  }

  async #watch(): Promise<void> {
    this.value = await this.promise;
  }
}

/** Waits for the first of two, where there are two. */
const eitherOf = (a: Promised<unknown> | undefined, b: Promised<unknown> | undefined): Promise<unknown> =>
  a !== undefined && b !== undefined ? Promise.race([a.promise, b.promise]) : (a ?? b)!.promise;

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
