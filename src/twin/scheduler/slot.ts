import { setTimeout as delay, setImmediate as eventLoopTurn } from "node:timers/promises";
import { LaneError, type TwinError } from "../../errors.ts";
import type { Batch, Lane, LaneResult, LaneSpec, NetworkName } from "../../lanes/types.ts";

/** What a slot tells its scheduler; `work` is whatever came with the batch. */
export interface SlotEvents<W> {
  answered(work: W, lane: string, result: LaneResult): void;
  /** The runtime refused the batch; the lane lives on. */
  refused(work: W, error: TwinError): void;
  /** The lane's code threw: a defect. */
  broke(work: W, error: unknown): void;
  /**
   * The lane died with this work unanswered, oldest first, and is being opened again. Returns whether an input was given
   * up over it: the death is then not held against the lane.
   */
  lost(work: readonly W[]): boolean;
  /** The slot has a lane again. */
  ready(): void;
  /** The lane died too often. */
  failed(error: LaneError): void;
}

/** Failures in a row, with no batch answered between them, that a slot puts up with. */
const failuresAllowed = 5;

export interface SlotOptions {
  readonly open: (spec: LaneSpec) => Promise<Lane>;
  /** Milliseconds before a dead lane is opened again, doubled at each failure in a row. */
  readonly restartDelay: number;
}

/** A place for a lane: keeps it supplied with a lane, and knows what that lane has not answered yet. */
export class LaneSlot<W> {
  readonly spec: LaneSpec;
  readonly #options: SlotOptions;
  readonly #events: SlotEvents<W>;
  readonly #closing = new AbortController();
  /** Until a dead lane is open again. */
  #reopening: Promise<void> | undefined;
  #lane: Lane | undefined;
  #outstanding: W[] = [];
  #failures = 0;

  constructor(spec: LaneSpec, options: SlotOptions, events: SlotEvents<W>) {
    this.spec = spec;
    this.#options = options;
    this.#events = events;
  }

  /** Opens the lane for the first time. @throws LaneError */
  async start(): Promise<void> {
    this.#adopt(await this.#options.open(this.spec));
  }

  /** Batches not yet answered; infinite without a lane. */
  get outstanding(): number {
    return this.#lane === undefined ? Number.POSITIVE_INFINITY : this.#outstanding.length;
  }

  /** What the lane has not answered yet, oldest first. */
  get work(): readonly W[] {
    return this.#outstanding;
  }

  /** Gives the lane a batch; its outcome arrives as an event. */
  run(network: NetworkName, batch: Batch, work: W): void {
    const lane = this.#lane!;
    this.#outstanding.push(work);
    try {
      lane.run(network, batch).then(
        (result) => this.#answered(work, lane, result),
        (error: TwinError) => this.#rejected(work, lane, error),
      );
    } catch (error) {
      this.#remove(work);
      this.#events.broke(work, error);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#lane?.close();
    await this.#reopening;
  }

  #adopt(lane: Lane): void {
    this.#lane = lane;
    void this.#watch(lane);
  }

  async #watch(lane: Lane): Promise<void> {
    const end = await lane.ended;
    if (this.#closing.signal.aborted) return;
    await this.#died(lane, end.kind === "died" ? end.reason : "it was closed by somebody else");
  }

  #answered(work: W, lane: Lane, result: LaneResult): void {
    if (!this.#remove(work)) return;
    this.#failures = 0;
    this.#events.answered(work, lane.id, result);
  }

  /** A death has its own event, which is here within a turn of the event loop. */
  async #rejected(work: W, lane: Lane, error: TwinError): Promise<void> {
    const ended = await Promise.race([lane.ended.then(() => true), eventLoopTurn(false)]);
    if (!ended && this.#remove(work)) this.#events.refused(work, error);
  }

  #remove(work: W): boolean {
    const index = this.#outstanding.indexOf(work);
    if (index >= 0) this.#outstanding.splice(index, 1);
    return index >= 0;
  }

  async #died(lane: Lane, reason: string): Promise<void> {
    this.#lane = undefined;
    const lost = this.#outstanding;
    this.#outstanding = [];
    if (!this.#events.lost(lost)) this.#failures++;
    this.#reopening = this.#reopen(`${lane.id} died: ${reason}`);
    await this.#reopening;
  }

  /** Opens the lane again, after pauses that double. */
  async #reopen(reason: string): Promise<void> {
    if (this.#failures > failuresAllowed) {
      this.#events.failed(new LaneError(`a lane failed ${this.#failures} times in a row; the last time ${reason}`));
      return;
    }
    try {
      const pause = this.#options.restartDelay * 2 ** Math.max(0, this.#failures - 1);
      await delay(pause, undefined, { signal: this.#closing.signal });
      const lane = await this.#options.open(this.spec);
      if (this.#closing.signal.aborted) return await lane.close();
      this.#adopt(lane);
      this.#events.ready();
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#failures++;
      await this.#reopen(`it did not open: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
