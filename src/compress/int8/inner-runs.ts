import { setImmediate } from "node:timers/promises";
import { type ImageBatch, together } from "./images.ts";
import type { CalibrationNetwork } from "./network.ts";

/** Inner values that are held at a time, in bytes. */
const heldBytes = 2 ** 26;
/** The most images of a run. */
const largestBatch = 32;

/** What a run gave: a batch, and the values of the network for it. */
export type OnValues = (batch: ImageBatch, values: ReadonlyMap<string, Float32Array>) => void;

/**
 * Runs images for their inner values, as many at a time as keep these within 64 MiB, however large the network and
 * however many the images.
 */
export class InnerRuns {
  readonly #network: CalibrationNetwork;
  readonly #onValues: OnValues;
  #pending: Float32Array[] = [];
  /** Known after the first image. */
  #batchSize = 1;

  constructor(network: CalibrationNetwork, onValues: OnValues) {
    this.#network = network;
    this.#onValues = onValues;
  }

  /** Takes an image and runs a batch when it is full. */
  async add(image: Float32Array): Promise<void> {
    this.#pending.push(image.slice());
    if (this.#pending.length >= this.#network.batchSize(this.#batchSize)) await this.flush();
  }

  /** Runs the images that wait. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const batch = together(this.#pending);
    this.#pending = [];
    const values = await this.#network.run(batch);
    const bytes = [...values.values()].reduce((sum, { byteLength }) => sum + byteLength, 0) / batch.count;
    this.#batchSize = Math.max(1, Math.min(largestBatch, Math.floor(heldBytes / bytes)));
    this.#onValues(batch, values);
    await setImmediate();
  }
}

/** Runs a list of images for their inner values. */
export async function runForValues(
  network: CalibrationNetwork,
  images: readonly Float32Array[],
  onValues: OnValues,
  signal?: AbortSignal,
): Promise<void> {
  const runs = new InnerRuns(network, onValues);
  for (const image of images) {
    signal?.throwIfAborted();
    await runs.add(image);
  }
  await runs.flush();
}
