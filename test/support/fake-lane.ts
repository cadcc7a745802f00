import { LaneError } from "../../src/errors.ts";
import type { Batch, Lane, LaneEnd, LaneResult, LaneSpec, NetworkName } from "../../src/lanes/index.ts";

/** What fake lanes do, and what they have seen. */
export interface FakeWorld {
  /** Logits of an input, by the number that it carries. */
  readonly answer: (network: NetworkName, id: number) => readonly number[];
  /** Fulfilled when a batch is through; a rejection kills the lane that runs it. */
  readonly work: (network: NetworkName, ids: readonly number[]) => Promise<void>;
  /** Every batch begun. */
  readonly log: { lane: string; network: NetworkName; ids: readonly number[] }[];
}

/** Values of one fake input: its number, high byte first. */
export const fakeInput = (id: number): Uint8Array => Uint8Array.of(id >> 8, id & 255);

let opened = 0;

export const openFakeLane =
  (world: FakeWorld) =>
  async (spec: LaneSpec): Promise<Lane> =>
    new FakeLane(spec, world);

/** A lane whose networks are functions of the input's number and whose time is the test's. */
class FakeLane implements Lane {
  readonly id = `fake-${opened++}`;
  readonly networks: readonly NetworkName[];
  readonly ended: Promise<LaneEnd>;
  readonly #world: FakeWorld;
  readonly #rejects = new Set<(error: LaneError) => void>();
  #end: (end: LaneEnd) => void = () => {};
  #over: LaneEnd | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(spec: LaneSpec, world: FakeWorld) {
    this.networks = spec.networks;
    this.#world = world;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  run(network: NetworkName, batch: Batch): Promise<LaneResult> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) return reject(new LaneError("the lane has ended"));
      this.#rejects.add(reject);
      this.#tail = this.#next(this.#tail, network, batch, (result) => {
        this.#rejects.delete(reject);
        resolve(result);
      });
    });
  }

  async #next(
    before: Promise<void>,
    network: NetworkName,
    batch: Batch,
    done: (result: LaneResult) => void,
  ): Promise<void> {
    await before;
    if (this.#over !== undefined) return;
    const result = await this.#compute(network, batch);
    if (result !== undefined) done(result);
  }

  async close(): Promise<void> {
    this.#finish({ kind: "closed" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #compute(network: NetworkName, { count, pieces }: Batch): Promise<LaneResult | undefined> {
    const data = pieces.flatMap((piece) => [...piece]);
    const ids = Array.from({ length: count }, (_, i) => data[2 * i]! * 256 + data[2 * i + 1]!);
    this.#world.log.push({ lane: this.id, network, ids });
    try {
      await this.#world.work(network, ids);
    } catch (error) {
      this.#finish({ kind: "died", reason: String(error) });
    }
    if (this.#over !== undefined) return undefined;
    return { logits: Float32Array.from(ids.flatMap((id) => this.#world.answer(network, id))), started: 0, finished: 0 };
  }

  #finish(end: LaneEnd): void {
    this.#over ??= end;
    this.#end(end);
    for (const reject of this.#rejects) reject(new LaneError(end.kind));
    this.#rejects.clear();
  }
}
