/**
 * The file in memory through which batches reach a lane's process: each side copies the pixels once, and only where
 * they lie travels as a message. It has no name, so nothing is left of it, whoever dies.
 */

import { closeSync, constants, openSync, readSync, writevSync } from "node:fs";
import { type BatchStore, bytesOf, joined, Slots } from "./batch-store.ts";
import type { BatchPlace } from "./protocol.ts";
import type { Pixels } from "./types.ts";

/** The file's descriptor in the lane's process: the first after the standard ones and that of the messages. */
export const batchFileDescriptor = 4;

/** Slots are further apart than any batch is long; what lies between takes no memory. */
const slotSpacing = 2 ** 32;

/** `O_TMPFILE` of Linux, which Node.js does not name: a file without a name. */
const nameless = constants.O_DIRECTORY | 0o20_000_000;

/** The host's end. */
export class BatchFile implements BatchStore {
  readonly descriptor: number;
  readonly #slots = new Slots();

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** Undefined where the system has no files in memory. */
  static open(): BatchFile | undefined {
    try {
      return new BatchFile(openSync("/dev/shm", constants.O_RDWR | nameless, 0o600));
    } catch {
      return undefined;
    }
  }

  /** Where the images lie; themselves when they do not fit into the system's memory for files. */
  put(run: number, pieces: readonly Pixels[]): BatchPlace | Pixels {
    const bytes = bytesOf(pieces);
    const slot = this.#slots.take(run);
    if (this.#write(slot, pieces, bytes)) return { slot, bytes, floats: pieces[0] instanceof Float32Array };
    this.#slots.free(run);
    return joined(pieces);
  }

  free(run: number): void {
    this.#slots.free(run);
  }

  close(): void {
    closeSync(this.descriptor);
  }

  #write(slot: number, pieces: readonly Pixels[], bytes: number): boolean {
    try {
      return writevSync(this.descriptor, pieces, slot * slotSpacing) === bytes;
    } catch {
      return false;
    }
  }
}

/** The lane's end. */
export class BatchReader {
  readonly #descriptor: number;
  /** Kept, since fresh memory costs page faults. */
  #memory = new ArrayBuffer(0);

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The data that lies there, in memory that the next call overwrites. */
  read({ slot, bytes, floats }: BatchPlace): Pixels {
    if (this.#memory.byteLength < bytes) this.#memory = new ArrayBuffer(bytes);
    const data = new Uint8Array(this.#memory, 0, bytes);
    readSync(this.#descriptor, data, 0, bytes, slot * slotSpacing);
    return floats ? new Float32Array(this.#memory, 0, bytes / 4) : data;
  }
}
