import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Isolation, type Lane, type LaneSpec, type Network, openLane, type Plan } from "../../src/lanes/index.ts";
import { createScheduler, type SchedulerOptions } from "../../src/twin/scheduler/index.ts";
import type { Answer, Cascade } from "../../src/twin/types.ts";
import { modelFolder, randomBytes, storePair } from "../support/models.ts";
import { referenceLogits } from "../support/reference.ts";

const size = 192;
const count = 300;
const bytes = randomBytes(count * size, 3);
const images = Array.from({ length: count }, (_, i) => bytes.slice(i * size, (i + 1) * size));

/** Largest minus second largest. */
function margin(logits: Float32Array): number {
  const sorted = logits.toSorted();
  return sorted.at(-1)! - sorted.at(-2)!;
}

const sharedCore = (isolation: Isolation): Plan => ({
  lanes: Array.from({ length: 2 }, () => ({ kind: "cpu" as const, networks: ["compressed", "original"], threads: 1 })),
  batch: { compressed: 16, original: 8 },
  idleTakesFresh: false,
  isolation,
});

describe("scheduler on real lanes", () => {
  let folder: string;
  let networks: Network[];
  let expected: Answer[];
  let cascade: Cascade;

  beforeAll(async () => {
    folder = modelFolder();
    networks = storePair(folder);
    const logits = await Promise.all(networks.map((network) => referenceLogits(network, bytes)));
    const rows = logits.map((data) => images.map((_, i) => data.slice(i * 4, i * 4 + 4)));
    const threshold = rows[0]!.map(margin).toSorted((a, b) => a - b)[60]!;
    cascade = [{ network: "compressed", threshold }, { network: "original" }];
    expected = images.map((_, i) => {
      const stage = margin(rows[0]![i]!) >= threshold ? 0 : 1;
      const row = rows[stage]![i]!;
      const answeredBy = cascade[stage]!.network;
      return { class: row.indexOf(Math.max(...row)), logits: row, confidence: margin(rows[0]![i]!), answeredBy };
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const options = (plan: Plan): SchedulerOptions => ({
    cascade,
    confidence: margin,
    plan,
    open: (spec: LaneSpec): Promise<Lane> => openLane(spec, networks, plan),
    inputSize: size,
  });

  it.each(["thread", "process"] as const)("gives the cascade's answers in input order, in a %s", async (isolation) => {
    await using scheduler = await createScheduler(options(sharedCore(isolation)));
    let i = 0;
    for await (const outcome of scheduler.run(images)) {
      const { class: winner, answeredBy, confidence } = outcome as Answer;
      expect({ winner, answeredBy }).toEqual({ winner: expected[i]!.class, answeredBy: expected[i]!.answeredBy });
      expect(confidence).toBeCloseTo(expected[i]!.confidence, 4);
      i++;
    }
    expect(i).toBe(count);
    expect(scheduler.counters.escalated).toBe(expected.filter(({ answeredBy }) => answeredBy === "original").length);
  });

  it.each(["SIGKILL", "SIGSEGV"] as const)(
    "loses no input and answers none twice when a lane's process gets %s",
    async (signal) => {
      const pids: number[] = [];
      const plan = sharedCore("process");
      const open = async (spec: LaneSpec): Promise<Lane> => {
        const lane = await openLane(spec, networks, plan);
        pids.push(lane.pid!);
        return lane;
      };
      let batches = 0;
      const kill = () => {
        if (++batches % 20 === 0 && batches <= 60) process.kill(pids.pop()!, signal);
      };
      await using scheduler = await createScheduler({ ...options(plan), open, onBatch: kill, restartDelay: 0 });
      const long = Array.from({ length: 8 }, () => images).flat();
      let i = 0;
      for await (const outcome of scheduler.run(long))
        expect(outcome).toMatchObject({ class: expected[i++ % count]!.class });
      expect(i).toBe(long.length);
      expect(scheduler.counters.restarts).toBeGreaterThanOrEqual(1);
      expect(scheduler.counters.failed).toBe(0);
    },
  );

  it("survives aborts in mid-run in threads, and answers the next run", async () => {
    await using scheduler = await createScheduler(options(sharedCore("thread")));
    for (const after of [0, 1, 50, 150]) {
      const controller = new AbortController();
      const consume = async () => {
        let taken = 0;
        for await (const _ of scheduler.run(images, { signal: controller.signal }))
          if (taken++ === after) controller.abort();
      };
      await expect(consume()).rejects.toThrow(/aborted/);
    }
    let i = 0;
    for await (const outcome of scheduler.run(images)) expect(outcome).toMatchObject({ class: expected[i++]!.class });
    expect(i).toBe(count);
  });
});
