/** What a lane runs, in a worker thread or in a child process: one batch at a time, in the order asked. */

import { setImmediate as eventLoopTurn } from "node:timers/promises";
import { type MessagePort, parentPort } from "node:worker_threads";
import { BatchReader, batchFileDescriptor } from "./batch-file.ts";
import type { Reply, Request, RunRequest } from "./protocol.ts";
import { NetworkSession } from "./session.ts";
import type { LaneSpec, Network, NetworkName } from "./types.ts";

/** The way back to the host. */
interface Host {
  send(reply: Reply, transfer?: readonly ArrayBuffer[]): void;
  /** Lets the thread or process end by itself: ending it by force inside a run would abort everything. */
  leave(): void;
}

class LaneServer {
  readonly #host: Host;
  readonly #sessions = new Map<NetworkName, NetworkSession>();
  readonly #batches = new BatchReader(batchFileDescriptor);
  #waiting: RunRequest[] = [];
  #busy = false;
  #closing = false;

  constructor(host: Host) {
    this.#host = host;
  }

  async receive(request: Request): Promise<void> {
    if (request.kind === "open") return this.#open(request.spec, request.networks);
    if (request.kind === "run") this.#waiting.push(request);
    else this.close();
    await this.#work();
  }

  /** Lets the run in progress finish and drops the others. */
  close(): void {
    this.#waiting = [];
    this.#closing = true;
  }

  async #open(spec: LaneSpec, networks: readonly Network[]): Promise<void> {
    try {
      for (const network of networks) this.#sessions.set(network.name, await loadNamed(network, spec));
      this.#host.send({ kind: "opened" });
    } catch (error) {
      this.#host.send({ kind: "not-opened", reason: messageOf(error) });
      await this.#leave();
    }
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#answer(next);
      await eventLoopTurn(); // a request to close is seen between two runs
    }
    this.#busy = false;
    if (this.#closing) await this.#leave();
  }

  async #answer({ id, network, count, data: given }: RunRequest): Promise<void> {
    const started = now();
    try {
      const data = ArrayBuffer.isView(given) ? given : this.#batches.read(given);
      const logits = await this.#sessions.get(network)!.run(data, count);
      const reply: Reply = { kind: "answered", id, logits, started, finished: now() };
      this.#host.send(reply, [logits.buffer as ArrayBuffer]);
    } catch (error) {
      this.#host.send({ kind: "refused", id, reason: messageOf(error) });
    }
  }

  async #leave(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
    this.#sessions.clear();
    this.#host.leave();
  }
}

async function loadNamed(network: Network, spec: LaneSpec): Promise<NetworkSession> {
  try {
    return await NetworkSession.load(network, spec);
  } catch (error) {
    throw new Error(`network "${network.name}" (${network.file}): ${messageOf(error)}`, { cause: error });
  }
}

const now = (): number => performance.timeOrigin + performance.now();

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function serveThread(port: MessagePort): void {
  const server = new LaneServer({
    send: (reply, transfer = []) => port.postMessage(reply, transfer),
    leave: () => port.close(),
  });
  port.on("message", (request: Request) => void server.receive(request));
}

function serveProcess(): void {
  const server = new LaneServer({
    send: (reply) => process.send?.(reply),
    leave: () => process.connected && process.disconnect(),
  });
  process.on("message", (request) => void server.receive(request as Request));
  process.on("disconnect", () => server.close());
  // A terminal sends Ctrl-C to the whole group: the host decides when its lanes end.
  process.on("SIGINT", () => {});
}

if (parentPort === null) serveProcess();
else serveThread(parentPort);
