/**
 * What the scheduler costs: the same inputs through the same networks at the same batch sizes, once by the scheduler and
 * once by bare loops that do nothing but run the sessions, one loop a thread. Both alternate; each round gives one ratio.
 * Goals: under 3 % in threads, under 10 % in processes.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/scheduler-overhead.js [--twin <folder>] [--isolation process] [--rounds 25]
 *       [--images 20000] [--batch 64] [--rate 0.1]
 */
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { median, percent } from "../src/figures.ts";
import { cpuBudget, imageSize, type Network, openLane, type Plan } from "../src/lanes/index.ts";
import { NetworkSession } from "../src/lanes/session.ts";
import { networkOf, readTwin } from "../src/twin/folder.ts";
import { usualBatch } from "../src/twin/lanes.ts";
import { createScheduler, type Scheduler } from "../src/twin/scheduler/index.ts";
import { randomBytes } from "../test/support/models.ts";

/** The same work for both. */
interface Setting {
  readonly networks: readonly Network[];
  readonly lanes: number;
  readonly batch: number;
  /** Share of images that are escalated. */
  readonly rate: number;
  readonly isolation: Plan["isolation"];
}

/** Batches that one bare loop runs in a round, of each network. */
interface Share {
  readonly compressed: number;
  readonly original: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      twin: { type: "string", default: "models/fashion-mnist/twin" },
      isolation: { type: "string", default: "thread" },
      rounds: { type: "string", default: "25" },
      images: { type: "string", default: "20000" },
      batch: { type: "string" },
      rate: { type: "string", default: "0.1" },
    },
  });
  const folder = await readTwin(values.twin);
  const networks = (["compressed", "original"] as const).map((name) => networkOf(folder, name));
  const setting: Setting = {
    networks,
    lanes: cpuBudget(),
    batch: Number(values.batch ?? usualBatch(networks[0]!)),
    rate: Number(values.rate),
    isolation: values.isolation === "process" ? "process" : "thread",
  };
  const rounds = Number(values.rounds);
  const ratios = await compare(setting, Number(values.images), rounds);
  const sorted = ratios.toSorted((a, b) => a - b);
  console.log(
    `overhead in a ${setting.isolation}: median ${percent(median(ratios))}, ` +
      `from ${percent(sorted[0]!)} to ${percent(sorted.at(-1)!)} in ${rounds} rounds, ${setting.lanes} lanes, batch ${setting.batch}`,
  );
}

/** What the scheduler costs in each round, as a share of the bare loops' time. */
async function compare(setting: Setting, images: number, rounds: number): Promise<number[]> {
  const { networks, lanes, batch, rate } = setting;
  const inputSize = imageSize(networks[0]!);
  const batches = Math.round(images / (lanes * batch));
  const share = { compressed: batches, original: Math.round(batches * rate) };
  await using bare = await BareLoops.open(lanes, { networks, batches, batch });
  await using scheduler = await openScheduler(setting, inputSize);
  const inputs = Array.from({ length: lanes * batches * batch }, (_, i) => randomBytes(inputSize, i % 64));
  const overheads: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const byScheduler = () => timed(() => drain(scheduler, inputs));
    const byLoops = () => timed(() => bare.run(share));
    // Each goes first in every second round; the first round only warms up.
    const first = round % 2 === 0 ? await byScheduler() : await byLoops();
    const second = round % 2 === 0 ? await byLoops() : await byScheduler();
    const overhead = (round % 2 === 0 ? first / second : second / first) - 1;
    if (round > 0) overheads.push(overhead);
    console.log(`round ${round}: ${first.toFixed(0)} ms, ${second.toFixed(0)} ms, overhead ${percent(overhead)}`);
  }
  return overheads;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function openScheduler({ networks, lanes, batch, rate, isolation }: Setting, inputSize: number): Promise<Scheduler> {
  let position = 0;
  return createScheduler({
    cascade: [{ network: "compressed", threshold: rate }, { network: "original" }],
    // Multiples of the golden ratio: any stretch of them is spread evenly over [0, 1).
    confidence: () => (position = (position + 0.6180339887498949) % 1),
    plan: {
      lanes: Array.from({ length: lanes }, () => ({ kind: "cpu", networks: ["compressed", "original"], threads: 1 })),
      batch: { compressed: batch, original: batch },
      idleTakesFresh: false,
      isolation,
    },
    open: (spec) => openLane(spec, networks, { isolation }),
    inputSize,
  });
}

async function drain(scheduler: Scheduler, images: readonly Uint8Array[]): Promise<void> {
  for await (const outcome of scheduler.run(images)) if ("error" in outcome) throw outcome.error;
}

/** Threads that run sessions in a loop. */
class BareLoops implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  static async open(count: number, workerData: BareLoop): Promise<BareLoops> {
    const loops = new BareLoops(
      Array.from({ length: count }, () => new Worker(new URL(import.meta.url), { workerData })),
    );
    await loops.#all({ compressed: 1, original: 1 });
    return loops;
  }

  run(share: Share): Promise<void> {
    return this.#all(share);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all(undefined);
  }

  async #all(share: Share | undefined): Promise<void> {
    const done = this.#workers.map((worker) => new Promise((resolve) => worker.once("message", resolve)));
    for (const worker of this.#workers) worker.postMessage(share, []);
    await Promise.all(done);
  }
}

/** What a bare loop runs: as many batches of images as go through one lane, each in memory of its own. */
interface BareLoop {
  readonly networks: readonly Network[];
  readonly batches: number;
  /** Images in a batch. */
  readonly batch: number;
}

async function serveBareLoop({ networks, batches, batch }: BareLoop): Promise<void> {
  const spec = { kind: "cpu" as const, networks: ["compressed" as const, "original" as const], threads: 1 };
  const [compressed, original] = await Promise.all(networks.map((network) => NetworkSession.load(network, spec)));
  const inputs = Array.from({ length: batches }, (_, i) => randomBytes(batch * imageSize(networks[0]!), i));
  const answer = async (share: Share | undefined): Promise<void> => {
    for (let i = 0; i < (share?.compressed ?? 0); i++) await compressed!.run(inputs[i]!, batch);
    for (let i = 0; i < (share?.original ?? 0); i++) await original!.run(inputs[i]!, batch);
    parentPort!.postMessage("done", []);
    if (share === undefined) parentPort!.close();
  };
  parentPort!.on("message", (share: Share | undefined) => void answer(share));
}

if (isMainThread) await main();
else await serveBareLoop(workerData as BareLoop);
