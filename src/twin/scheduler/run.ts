import { UsageError } from "../../errors.ts";
import type { Outcome } from "../types.ts";
import { Gate } from "./gate.ts";
import { OrderedOutput } from "./output.ts";
import type { Sink, Task } from "./task.ts";
import type { Input, Inputs } from "./types.ts";

/** What a run needs from its scheduler. */
export interface RunHost {
  readonly inputSize: number;
  readonly window: number;
  /** Takes over an input. */
  offer(task: Task): void;
}

/** How a run ends: with nothing, or with an error for its consumer. */
type End = { readonly error?: unknown };

/** One stream of inputs on its way to one consumer. */
export class InputRun implements Sink {
  readonly #host: RunHost;
  readonly #iterator: Iterator<Input> | AsyncIterator<Input>;
  readonly #output: OrderedOutput;
  readonly #room = new Gate();
  /** Inputs in flight below which reading goes on: not at every single one, which would cost a promise each. */
  readonly #lowWater: number;
  #read = 0;
  /** The latest input that went to a lane. */
  #begun = 0;
  /** Outcomes that the consumer is done with: it has asked for the next. */
  #done = 0;
  #reading = false;
  /** All inputs are read. */
  #exhausted: End | undefined;
  /** Nothing is wanted any more. */
  #stopped: End | undefined;

  constructor(inputs: Inputs, host: RunHost) {
    this.#host = host;
    this.#iterator = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
    this.#output = new OrderedOutput(host.window);
    this.#lowWater = Math.floor(host.window * 0.9);
  }

  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  begin(index: number): void {
    this.#begun = Math.max(this.#begun, index);
  }

  holdsUp(index: number): boolean {
    return this.#begun - index > this.#host.window / 2;
  }

  settle(index: number, outcome: Outcome): void {
    if (!this.stopped) this.#output.put(index, outcome);
  }

  fail(error: unknown): void {
    this.#stop({ error });
  }

  /** Ends the run at once, as its consumer asked. */
  stop(): void {
    this.#stop({});
  }

  /** Begins to read inputs. */
  start(): void {
    void this.#feed();
  }

  /** The next outcome, if it is here. The consumer calls `done` when it wants another. */
  take(): Outcome | undefined {
    return this.stopped ? undefined : this.#output.take();
  }

  /** The consumer is done with an outcome. */
  done(): void {
    this.#done++;
    if (this.#inFlight <= this.#lowWater) this.#room.open();
  }

  /** Waits for the next outcome: false where none will come. Throws what ended the run. */
  async more(): Promise<boolean> {
    const end = this.#stopped ?? (this.#inFlight === 0 ? this.#exhausted : undefined);
    if (end === undefined) await this.#output.arrival();
    else if ("error" in end) throw end.error;
    return end === undefined;
  }

  /** Lets the producer clean up. One that is still busy with an input is not waited for. */
  async closeInputs(): Promise<void> {
    if (this.#exhausted !== undefined) return;
    const closed = Promise.resolve(this.#iterator.return?.());
    if (this.#reading) closed.catch(() => {});
    else await closed;
  }

  #stop(end: End): void {
    this.#stopped ??= end;
    this.#room.open();
    this.#output.wake();
  }

  get #inFlight(): number {
    return this.#read - this.#done;
  }

  /** Reads inputs while there is room for them. */
  async #feed(): Promise<void> {
    try {
      while (!this.stopped && this.#exhausted === undefined) {
        if (this.#inFlight >= this.#host.window) await this.#room.passed();
        else await this.#readSome();
      }
    } catch (error) {
      this.#exhausted = { error };
    }
    this.#output.wake();
  }

  /** Reads on until the window is full or the producer lets us wait: an array's inputs cost no promise each. */
  async #readSome(): Promise<void> {
    while (!this.stopped && this.#inFlight < this.#host.window) {
      const next = this.#iterator.next();
      const { done, value } = "then" in next ? await this.#waitFor(next) : next;
      if (this.stopped) return;
      if (done === true) {
        this.#exhausted = {};
        return;
      }
      this.#accept(value);
    }
  }

  async #waitFor(next: PromiseLike<IteratorResult<Input>>): Promise<IteratorResult<Input>> {
    this.#reading = true;
    try {
      return await next;
    } finally {
      this.#reading = false;
    }
  }

  #accept(input: Input): void {
    const index = this.#read++;
    if (!ArrayBuffer.isView(input)) this.#output.put(index, input);
    else if (input.length === this.#host.inputSize) {
      this.#host.offer({ sink: this, index, data: input, confidence: Number.NaN, deaths: 0, escalatedAt: 0 });
    } else {
      const problem = `input ${index} has ${input.length} values; the networks read ${this.#host.inputSize}`;
      this.#output.put(index, { error: new UsageError(problem) });
    }
  }
}
