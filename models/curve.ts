import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Progress } from "twindnn/train";

/** One epoch of a training run. */
export interface Epoch {
  readonly epoch: number;
  /** Means over the epoch's batches. */
  readonly loss: number;
  readonly accuracy: number;
  /** Of the averaged weights on the images kept for selection. */
  readonly selectionAccuracy: number;
  readonly minutes: number;
}

/** A training curve in a file, so that an interrupted run goes on with it. */
export class Curve {
  readonly #file: string;
  readonly epochs: Epoch[];
  #steps: Progress[] = [];
  #since = performance.now();

  constructor(file: string) {
    this.#file = file;
    this.epochs = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  }

  /** Minutes of all epochs together. */
  get minutes(): number {
    return this.epochs.reduce((sum, epoch) => sum + epoch.minutes, 0);
  }

  add(progress: Progress): void {
    this.#steps.push(progress);
  }

  /** Closes an epoch. */
  close(epoch: number, selectionAccuracy: number): Epoch {
    const mean = (of: (progress: Progress) => number): number =>
      this.#steps.reduce((sum, progress) => sum + of(progress), 0) / this.#steps.length;
    const closed = {
      epoch,
      loss: mean((progress) => progress.loss),
      accuracy: mean((progress) => progress.accuracy),
      selectionAccuracy,
      minutes: (performance.now() - this.#since) / 60_000,
    };
    this.epochs.splice(epoch - 1, Number.POSITIVE_INFINITY, closed);
    writeFileSync(this.#file, JSON.stringify(this.epochs));
    this.#steps = [];
    this.#since = performance.now();
    return closed;
  }
}
