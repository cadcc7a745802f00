import { UsageError } from "../errors.ts";
import type { BatchPlace } from "./protocol.ts";
import type { Pixels } from "./types.ts";

/** Where batches lie while a lane works on them. */
export interface BatchStore {
  /** Copies a run's images; they stay until `free`. Returns what to tell the lane: the values, or where they lie. */
  put(run: number, pieces: readonly Pixels[]): Pixels | BatchPlace;
  free(run: number): void;
}

/** Numbered places, each held by one run; the lowest free ones are taken first. */
export class Slots {
  readonly #runs: (number | undefined)[] = [];

  take(run: number): number {
    const free = this.#runs.indexOf(undefined);
    const slot = free < 0 ? this.#runs.length : free;
    this.#runs[slot] = run;
    return slot;
  }

  free(run: number): void {
    const slot = this.#runs.indexOf(run);
    if (slot >= 0) this.#runs[slot] = undefined;
  }
}

/** Sends images as they are, for want of anything better. */
export const noStore: BatchStore = { put: (_, pieces) => joined(pieces), free: () => {} };

/** @throws UsageError when the pieces are not of one type. */
export function bytesOf(pieces: readonly Pixels[]): number {
  const size = pieces[0]?.BYTES_PER_ELEMENT ?? 1;
  let values = 0;
  for (const { length, BYTES_PER_ELEMENT } of pieces) {
    if (BYTES_PER_ELEMENT !== size) throw mixed(pieces);
    values += length;
  }
  return values * size;
}

function mixed(pieces: readonly Pixels[]): UsageError {
  const floats = pieces.filter((piece) => piece instanceof Float32Array).length;
  return new UsageError(
    `a batch of ${pieces.length} pieces has ${floats} of floats, the others of bytes; give pieces of one type`,
  );
}

/** The pieces in one, in memory of its own or in `memory`. */
export function joined(
  pieces: readonly Pixels[],
  memory: ArrayBufferLike = new ArrayBuffer(bytesOf(pieces)),
  bytes: number = memory.byteLength,
): Pixels {
  const all =
    pieces[0] instanceof Float32Array ? new Float32Array(memory, 0, bytes / 4) : new Uint8Array(memory, 0, bytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
