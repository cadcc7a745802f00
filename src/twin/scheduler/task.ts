import type { Pixels } from "../../lanes/types.ts";
import type { Outcome } from "../types.ts";

/** Where an input's outcome goes. */
export interface Sink {
  /** Whether nobody waits for the outcome any more. */
  readonly stopped: boolean;
  /** Fresh input `index` is on its way to a lane. */
  begin(index: number): void;
  /** Whether so many inputs have overtaken input `index` that the run will soon have to wait for it. */
  holdsUp(index: number): boolean;
  settle(index: number, outcome: Outcome): void;
  /** Ends the whole run with an error. */
  fail(error: unknown): void;
}

/** One input on its way through the cascade. */
export interface Task {
  readonly sink: Sink;
  /** Its place in the run. */
  readonly index: number;
  readonly data: Pixels;
  /** Of the first network that ran it; NaN before. */
  confidence: number;
  /** How many lanes died while they ran it. */
  deaths: number;
  /** Inputs that had gone to lanes when it was escalated. */
  escalatedAt: number;
  /** Present once the second network was started on it before the first has answered. */
  early?: EarlyStart;
}

/** What is known of a second network that was started early. */
export interface EarlyStart {
  /** Its logits, once they are here. */
  logits?: Float32Array;
  /** The first network was not confident: the second's answer is needed. */
  needed: boolean;
}

/**
 * Of `tasks` those at the front that fit in one batch: with data of one type, and whose lanes died as often. Those of one
 * death go in small batches, those of more alone, so that the guilty is found in few runs, and no other given up.
 */
export function firstBatch(tasks: readonly Task[]): readonly Task[] {
  const limit = largestBatch(tasks[0]?.deaths ?? 0, tasks.length);
  const end = tasks.findIndex((task, i) => i >= limit || !fitTogether(tasks[0]!, task));
  return end < 0 ? tasks : tasks.slice(0, end);
}

function largestBatch(deaths: number, usual: number): number {
  if (deaths === 0) return usual;
  return deaths === 1 ? Math.ceil(Math.sqrt(usual)) : 1;
}

const fitTogether = (a: Task, b: Task): boolean =>
  a.deaths === b.deaths && a.data instanceof Float32Array === b.data instanceof Float32Array;

/** Tasks that wait for one network, first in, first out. */
export class TaskQueue {
  #tasks: Task[] = [];
  #head = 0;

  get length(): number {
    return this.#tasks.length - this.#head;
  }

  get first(): Task | undefined {
    return this.#tasks[this.#head];
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  /** Removes up to `count` tasks from the front that fit in one batch. */
  take(count: number): readonly Task[] {
    const taken = firstBatch(this.#tasks.slice(this.#head, this.#head + count));
    this.#head += taken.length;
    this.#compact();
    return taken;
  }

  /** Puts tasks that were taken back to the front. */
  putBack(tasks: readonly Task[]): void {
    this.#tasks = [...tasks, ...this.#tasks.slice(this.#head)];
    this.#head = 0;
  }

  /** Forgets the tasks of a run that has stopped. */
  dropStopped(): void {
    this.#tasks = this.#tasks.slice(this.#head).filter(({ sink }) => !sink.stopped);
    this.#head = 0;
  }

  /** Frees the taken front once it is the larger part. */
  #compact(): void {
    if (this.#head * 2 < this.#tasks.length) return;
    this.#tasks = this.#tasks.slice(this.#head);
    this.#head = 0;
  }
}
