import { type BatchStore, bytesOf, joined, Slots } from "./batch-store.ts";
import type { Pixels } from "./types.ts";

/**
 * Memory that the host shares with a lane's thread, used again and again: fresh memory for every batch would cost more
 * than all the rest of handing it over, in page faults and in collecting it.
 */
export class SharedMemory implements BatchStore {
  readonly #slots = new Slots();
  readonly #memories: SharedArrayBuffer[] = [];

  put(run: number, pieces: readonly Pixels[]): Pixels {
    const bytes = bytesOf(pieces);
    return joined(pieces, this.#memory(this.#slots.take(run), bytes), bytes);
  }

  free(run: number): void {
    this.#slots.free(run);
  }

  #memory(slot: number, bytes: number): SharedArrayBuffer {
    const present = this.#memories[slot];
    if (present !== undefined && present.byteLength >= bytes) return present;
    const memory = new SharedArrayBuffer(bytes);
    this.#memories[slot] = memory;
    return memory;
  }
}
