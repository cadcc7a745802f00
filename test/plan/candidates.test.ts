import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NetworkName } from "../../src/lanes/index.ts";
import { candidates, type Demand, type Sweep, type Timing } from "../../src/twin/plan/candidates.ts";

/** Timings of one network on 2 x 1 and on 1 x 2 threads, milliseconds an image at batches 1 and 8. */
const timed = (network: NetworkName, alone: [number, number], wide: [number, number]): Timing[] =>
  [alone, wide].flatMap((times, i) =>
    times.map((milliseconds, j) => ({
      network,
      kind: "cpu" as const,
      lanes: 2 - i,
      threads: 1 + i,
      batch: j === 0 ? 1 : 8,
      secondsPerImage: milliseconds / 1000,
    })),
  );

const onDevice = (network: NetworkName, milliseconds: number): Timing => {
  return { network, kind: "webgpu", lanes: 1, threads: 1, batch: 8, secondsPerImage: milliseconds / 1000 };
};

const demand = (e: number): Demand[] => [
  { network: "compressed", share: 1 },
  { network: "original", share: e },
];

const sweep = (change: Partial<Sweep>): Sweep => ({
  goal: "throughput",
  demand: demand(0.1),
  budget: 2,
  isolation: "thread",
  timings: [...timed("compressed", [2, 1], [1.5, 0.8]), ...timed("original", [10, 10], [6, 6])],
  ...change,
});

/** The best arrangement where two threads together take `factor` times what they take apart. */
const first = (factor: number): string => {
  const both = (network: NetworkName, time: number): Timing[] =>
    timed(network, [time, time], [(factor * time) / 2, (factor * time) / 2]);
  const timings = [...both("compressed", 1), ...both("original", 10)];
  return candidates(sweep({ demand: demand(0.05), timings }))[0]!.arrangement;
};

const of = (list: ReturnType<typeof candidates>, part: string) => {
  const found = list.find(({ arrangement }) => arrangement.startsWith(part));
  return { batch: found!.plan.batch, lanes: found!.plan.lanes.length, predicted: found!.predicted };
};

describe("candidates for throughput", () => {
  it("predict lanes / (c + o e) for lanes that run both, at the best batch sizes", () => {
    const list = candidates(sweep({}));
    expect(of(list, "2 x 1 thread")).toEqual({
      batch: { compressed: 8, original: 1 },
      lanes: 2,
      predicted: expect.closeTo(2 / (0.001 + 0.01 * 0.1), 6),
    });
    expect(of(list, "1 x 2 threads").predicted).toBeCloseTo(1 / (0.0008 + 0.006 * 0.1), 6);
  });

  it("predict the paper's arrangement: the spare time of the original goes to fresh inputs", () => {
    const list = candidates(sweep({ demand: demand(0.05) }));
    const paper = list.filter(({ arrangement }) =>
      arrangement.startsWith("1 x 1 thread for compressed, 1 x 1 thread for original"),
    );
    const byPolicy = Object.fromEntries(paper.map(({ plan, predicted }) => [String(plan.idleTakesFresh), predicted]));
    expect(byPolicy.false).toBeCloseTo(1000, 6);
    expect(byPolicy.true).toBeCloseTo(1000 + (1 - 1000 * 0.05 * 0.01) / 0.01, 6);
  });

  it("give no fresh inputs to an 8-bit original that comes last", () => {
    const timings = [...timed("compressed", [2, 1], [1.5, 0.8]), ...timed("original-int8", [10, 10], [6, 6])];
    const two: Demand[] = [demand(0)[0]!, { network: "original-int8", share: 0.1 }];
    expect(candidates(sweep({ demand: two, timings })).filter(({ plan }) => plan.idleTakesFresh)).toEqual([]);
  });

  it("are held back by the original's lane where escalations are many", () => {
    const list = candidates(sweep({ demand: demand(0.5) }));
    expect(of(list, "1 x 1 thread for compressed, 1 x 1 thread for original").predicted).toBeCloseTo(
      1 / (0.01 * 0.5),
      6,
    );
  });

  it("rank lanes of several threads first only where they win clearly", () => {
    expect(first(0.93)).toBe("2 x 1 thread for compressed and original");
    expect(first(0.88)).toBe("1 x 2 threads for compressed and original");
  });

  it("take the smaller of two batches that are as good", () => {
    const timings = [...timed("compressed", [1.01, 1], [1, 1]), ...timed("original", [10, 9], [6, 6])];
    expect(of(candidates(sweep({ timings })), "2 x 1 thread").batch).toEqual({ compressed: 1, original: 8 });
  });
});

describe("candidates for latency", () => {
  it("predict the way through the whole cascade, image by image", () => {
    const list = candidates(sweep({ goal: "latency" }));
    const predicted = [0.0075, 0.01, 0.012].map((seconds) => expect.closeTo(seconds, 9));
    expect(list.map((candidate) => candidate.predicted)).toEqual(predicted);
    expect(list[0]!.plan).toMatchObject({ lanes: [{ threads: 2 }], batch: { compressed: 1, original: 1 } });
  });

  it("predict the slower network alone where an idle lane starts both at once", () => {
    const both = candidates(sweep({ goal: "latency" })).filter(({ plan }) => plan.startsBoth === true);
    expect(both).toMatchObject([{ plan: { lanes: [{ threads: 1 }, { threads: 1 }] }, predicted: 0.01 }]);
  });
});

describe("candidates with a device", () => {
  const timings = [...sweep({}).timings, onDevice("compressed", 3), onDevice("original", 1)];

  it("give the device what is behind the compressed network, and try it alone", () => {
    const list = candidates(sweep({ device: "webgpu", timings }));
    const [best] = list;
    expect(best!.plan.lanes.map(({ kind, networks }) => `${kind} ${networks.join(" ")}`)).toEqual([
      "cpu compressed",
      "cpu compressed",
      "webgpu original",
    ]);
    expect(best!.plan.idleTakesFresh).toBe(true);
    expect(best!.predicted).toBeCloseTo(2000 + (1 - 2000 * 0.1 * 0.001) / 0.001, 6);
    expect(of(list, "1 x webgpu for compressed and original").predicted).toBeCloseTo(1 / (0.003 + 0.001 * 0.1), 6);
  });

  it("start both networks at once for the shortest wait", () => {
    const list = candidates(sweep({ goal: "latency", device: "webgpu", timings }));
    expect(list[0]).toMatchObject({ plan: { startsBoth: true }, predicted: 0.002 });
    expect(list[0]!.plan.lanes.map(({ kind }) => kind)).toEqual(["cpu", "cpu", "webgpu"]);
  });
});

describe("every candidate", () => {
  it("spends no more threads than the budget, runs every network, and no prediction clearly beats the first", () => {
    const time = fc.double({ min: 0.1, max: 100, noNaN: true });
    const times = fc.tuple(time, time);
    const property = fc.property(
      times,
      times,
      times,
      times,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (a, b, c, d, e) => {
        const list = candidates(
          sweep({ demand: demand(e), timings: [...timed("compressed", a, b), ...timed("original", c, d)] }),
        );
        for (const { plan, predicted } of list) {
          expect(plan.lanes.reduce((sum, { threads }) => sum + threads, 0)).toBeLessThanOrEqual(2);
          expect(new Set(plan.lanes.flatMap(({ networks }) => networks)).size).toBe(2);
          expect(predicted).toBeLessThanOrEqual(1.1 * list[0]!.predicted);
          expect(predicted).toBeGreaterThan(0);
        }
      },
    );
    fc.assert(property);
  });
});
