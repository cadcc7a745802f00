/**
 * What the scheduler costs: the same inputs through the same networks at the same batch sizes, once by the scheduler and
 * once by bare loops that do nothing but run the sessions, one loop a thread. Both alternate; each round gives one ratio.
 * Goals: under 3 % in threads, under 10 % in processes.
 *
 *     npm run bench:build
 *     node node_modules/.bench/bench/scheduler-overhead.js [--isolation process] [--rounds 9] [--rate 0.1]
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type Batch, cpuBudget, type Network, openLane, type Plan } from "../src/lanes/index.ts";
import { NetworkSession } from "../src/lanes/session.ts";
import { createScheduler, type Scheduler } from "../src/twin/scheduler/index.ts";
import { classifier, modelFolder, randomBytes, storeNetwork } from "../test/support/models.ts";

const batch = 32;
const inputSize = 3 * 32 * 32;

/** Batches that one bare loop runs in a round, of each network. */
interface Share {
  readonly compressed: number;
  readonly original: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      isolation: { type: "string", default: "thread" },
      rounds: { type: "string", default: "9" },
      batches: { type: "string", default: "40" },
      rate: { type: "string", default: "0.1" },
    },
  });
  const isolation = values.isolation === "process" ? "process" : "thread";
  const [rounds, batches, rate] = [values.rounds, values.batches, values.rate].map(Number) as [number, number, number];
  const folder = modelFolder();
  const networks = [
    storeNetwork(folder, "compressed", classifier({ seed: 1, size: 32, width: 16, depth: 4 })),
    storeNetwork(folder, "original", classifier({ seed: 2, size: 32, width: 32, depth: 12 })),
  ];
  const lanes = cpuBudget();
  await using bare = await BareLoops.open(lanes, networks, batches);
  await using scheduler = await openScheduler(networks, lanes, isolation, rate);
  const images = Array.from({ length: lanes * batches * batch }, (_, i) => randomBytes(inputSize, i % 64));
  const share = { compressed: batches, original: Math.round(batches * rate) };
  const ratios: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const byScheduler = () => timed(() => drain(scheduler, images));
    const byLoops = () => timed(() => bare.run(share));
    // Each goes first in every second round; the first round only warms up.
    const first = round % 2 === 0 ? await byScheduler() : await byLoops();
    const second = round % 2 === 0 ? await byLoops() : await byScheduler();
    const ratio = round % 2 === 0 ? first / second : second / first;
    if (round > 0) ratios.push(ratio - 1);
    console.log(`round ${round}: ${first.toFixed(0)} ms, ${second.toFixed(0)} ms, overhead ${percent(ratio - 1)}`);
  }
  const sorted = ratios.toSorted((a, b) => a - b);
  console.log(
    `overhead in a ${isolation}: median ${percent(sorted[sorted.length >> 1]!)}, ` +
      `from ${percent(sorted[0]!)} to ${percent(sorted.at(-1)!)} in ${rounds} rounds, ${lanes} lanes, batch ${batch}`,
  );
  rmSync(folder, { recursive: true });
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function openScheduler(
  networks: Network[],
  lanes: number,
  isolation: Plan["isolation"],
  rate: number,
): Promise<Scheduler> {
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

  static async open(count: number, networks: readonly Network[], batches: number): Promise<BareLoops> {
    const workerData = { networks, batches } satisfies BareLoop;
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
}

async function serveBareLoop({ networks, batches }: BareLoop): Promise<void> {
  const spec = { kind: "cpu" as const, networks: ["compressed" as const, "original" as const], threads: 1 };
  const [compressed, original] = await Promise.all(networks.map((network) => NetworkSession.load(network, spec)));
  const inputs = Array.from({ length: batches }, (_, i): Batch => {
    return { count: batch, data: randomBytes(batch * inputSize, i) };
  });
  const answer = async (share: Share | undefined): Promise<void> => {
    for (let i = 0; i < (share?.compressed ?? 0); i++) await compressed!.run(inputs[i]!);
    for (let i = 0; i < (share?.original ?? 0); i++) await original!.run(inputs[i]!);
    parentPort!.postMessage("done", []);
    if (share === undefined) parentPort!.close();
  };
  parentPort!.on("message", (share: Share | undefined) => void answer(share));
}

if (isMainThread) await main();
else await serveBareLoop(workerData as BareLoop);
