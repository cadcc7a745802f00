import { LaneError } from "../errors.ts";
import { type Channel, openChannel } from "./channel.ts";
import type { Reply } from "./protocol.ts";
import type { Batch, Isolation, Lane, LaneEnd, LaneResult, LaneSpec, Network, NetworkName } from "./types.ts";

export interface LaneOptions {
  /** A `process` survives a native crash, at the price of copying every batch once more. Default `thread`. */
  readonly isolation?: Isolation;
}

let lanesOpened = 0;
let webgpuLane: string | undefined;

/**
 * Opens a lane with the networks that `spec` names, out of `networks`. An idle lane does not keep the program alive.
 *
 * @throws LaneError when a network cannot be loaded, the execution provider is not there, or a WebGPU lane is open
 * already: two at once can crash the runtime.
 */
export async function openLane(
  spec: LaneSpec,
  networks: readonly Network[],
  { isolation = "thread" }: LaneOptions = {},
): Promise<Lane> {
  const chosen = spec.networks.map((name) => findNetwork(name, networks));
  const id = `${spec.kind}-${lanesOpened++}`;
  const lane = startLane(id, spec, isolation);
  await lane.open(chosen);
  return lane;
}

function startLane(id: string, spec: LaneSpec, isolation: Isolation): HostedLane {
  const giveBack = spec.kind === "webgpu" ? claimWebgpu(id) : () => {};
  try {
    return new HostedLane(id, spec, isolation, giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

/** Opens several lanes at once; all or none. @throws LaneError of the first that does not open. */
export async function openLanes(
  specs: readonly LaneSpec[],
  networks: readonly Network[],
  options: LaneOptions = {},
): Promise<Lane[]> {
  const opened = await Promise.allSettled(specs.map((spec) => openLane(spec, networks, options)));
  const failed = opened.find((outcome) => outcome.status === "rejected");
  const lanes = opened.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  if (failed === undefined) return lanes;
  await Promise.all(lanes.map((lane) => lane.close()));
  throw failed.reason;
}

function findNetwork(name: NetworkName, networks: readonly Network[]): Network {
  const network = networks.find((candidate) => candidate.name === name);
  if (network === undefined) {
    const known = networks.map((candidate) => candidate.name).join(", ");
    throw new LaneError(
      `a lane asks for the network "${name}", and there are ${known} alone; make a plan for this twin with "twindnn plan"`,
    );
  }
  return network;
}

/** Takes the one place for a WebGPU lane; returns how to give it back. */
function claimWebgpu(id: string): () => void {
  if (webgpuLane !== undefined) {
    throw new LaneError(`lane ${webgpuLane} is open, and two WebGPU lanes can crash the runtime: close it first`);
  }
  webgpuLane = id;
  return () => {
    webgpuLane = undefined;
  };
}

/** A promise with its way to settle it. */
interface Settler<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** The host's end of a lane. */
class HostedLane implements Lane {
  readonly id: string;
  readonly networks: readonly NetworkName[];
  readonly pid?: number;
  readonly ended: Promise<LaneEnd>;
  readonly #spec: LaneSpec;
  readonly #channel: Channel;
  readonly #pending = new Map<number, Settler<LaneResult>>();
  #opening: Settler<void> | undefined;
  #runs = 0;
  #state: "open" | "closing" | LaneEnd = "open";

  constructor(id: string, spec: LaneSpec, isolation: Isolation, onEnd: () => void) {
    this.id = id;
    this.networks = spec.networks;
    this.#spec = spec;
    let end: ((reason?: string) => void) | undefined;
    this.ended = new Promise((resolve) => {
      end = (reason) => {
        onEnd();
        resolve(this.#end(reason));
      };
    });
    this.#channel = openChannel(isolation, { reply: (reply) => this.#receive(reply), end: (reason) => end?.(reason) });
    if (this.#channel.pid !== undefined) this.pid = this.#channel.pid;
  }

  async open(networks: readonly Network[]): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
    });
    this.#channel.send({ kind: "open", spec: this.#spec, networks });
    try {
      await opened;
    } catch (error) {
      await this.ended;
      throw error;
    }
    this.#channel.hold(this.#pending.size > 0);
  }

  async run(network: NetworkName, batch: Batch): Promise<LaneResult> {
    if (this.#state !== "open") throw new LaneError(`lane ${this.id} is closed`);
    if (!this.networks.includes(network)) {
      const known = this.networks.join(", ");
      throw new LaneError(`lane ${this.id} does not run "${network}"; it runs ${known}`);
    }
    const id = this.#runs++;
    const data = this.#channel.batches.put(id, batch.pieces);
    if (this.#pending.size === 0) this.#channel.hold(true);
    this.#channel.send({ kind: "run", id, network, count: batch.count, data });
    return await new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  async close(): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      this.#channel.hold(true);
      this.#channel.send({ kind: "close" });
    }
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #receive(reply: Reply): void {
    if (reply.kind === "opened") this.#opening?.resolve();
    else if (reply.kind === "not-opened") this.#opening?.reject(new LaneError(reply.reason));
    else this.#settle(reply);
  }

  #settle(reply: Extract<Reply, { id: number }>): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    this.#channel.batches.free(reply.id);
    if (this.#pending.size === 0 && this.#state === "open") this.#channel.hold(false);
    if (reply.kind === "refused") pending?.reject(new LaneError(`lane ${this.id}: ${reply.reason}`));
    else pending?.resolve({ logits: reply.logits, started: reply.started, finished: reply.finished });
  }

  #end(given: string | undefined): LaneEnd {
    const reason = given ?? (this.#state === "closing" ? undefined : "it ended by itself, though nobody had closed it");
    this.#state = reason === undefined ? { kind: "closed" } : { kind: "died", reason };
    const error = new LaneError(`lane ${this.id} ${reason === undefined ? "was closed" : `died: ${reason}`}`);
    this.#opening?.reject(error);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    return this.#state;
  }
}
