import { describe, expect, it } from "vitest";
import { arrivalRate, type Contestant, type MeasureOptions, measure, roundsInAll } from "../../src/bench/measure.ts";
import { type Input, offline, type System, server, singleStream } from "../../src/bench/scenarios.ts";
import type { SystemName } from "../../src/bench/types.ts";
import { InputError } from "../../src/errors.ts";
import { FakeClock, fakeImages, fakeSystem } from "./fakes.ts";

describe("the scenarios", () => {
  it("offline counts all images over the whole time", async () => {
    const clock = new FakeClock();
    expect(await offline(fakeSystem(clock, 4), fakeImages(50), { clock })).toBeCloseTo(250, 9);
  });

  it("single stream times each image alone", async () => {
    const clock = new FakeClock();
    const latencies = await singleStream(fakeSystem(clock, 4), fakeImages(3), { clock });
    expect(latencies).toEqual([4, 4, 4]);
  });

  it("single stream gives no image before the last is answered, even to a system that reads ahead", async () => {
    const given: number[] = [];
    const greedy: System = {
      async *run(inputs) {
        const iterator = (inputs as AsyncIterable<Input>)[Symbol.asyncIterator]();
        let ahead = iterator.next();
        for (let answered = 0; ; answered++) {
          const { done } = await ahead;
          if (done === true) return;
          given.push(answered);
          ahead = iterator.next();
          yield { class: 0 };
        }
      },
    };
    const clock = new FakeClock();
    expect(await singleStream(greedy, fakeImages(4), { clock })).toHaveLength(4);
    expect(given).toEqual([0, 1, 2, 3]);
  });

  it("server waits for arrivals, and counts the queue of a system that falls behind", async () => {
    const clock = new FakeClock();
    const latencies = await server(fakeSystem(clock, 10), fakeImages(4), [5, 100, 101, 102], { clock });
    expect(latencies).toEqual([10, 10, 19, 28]);
  });

  it("server gives no image before it is due, though timers fire early", async () => {
    const clock = new FakeClock();
    const hasty = {
      now: () => clock.now(),
      sleep: async (milliseconds: number) => clock.spend(Math.max(0.1, 0.8 * milliseconds)),
    };
    const latencies = await server(fakeSystem(clock, 1), fakeImages(3), [10, 20, 30], { clock: hasty });
    for (const latency of latencies) expect(latency).toBeGreaterThanOrEqual(1);
  });

  it("throws the error of an image that gets no answer", async () => {
    const clock = new FakeClock();
    const failure = { error: new InputError("a.jpg", "is truncated") };
    await expect(offline(fakeSystem(clock, 1), [failure], { clock })).rejects.toThrow("a.jpg: is truncated");
  });
});

interface Trial {
  readonly clock: FakeClock;
  readonly contestants: Contestant[];
  readonly options: MeasureOptions;
  readonly runs: string[];
}

/** Four systems of known speed on a clock of their own. */
function trial(extra: Partial<MeasureOptions> = {}): Trial {
  const clock = new FakeClock();
  const runs: string[] = [];
  const contestant = (name: SystemName, milliseconds: number): Contestant => ({
    name,
    throughput: fakeSystem(clock, milliseconds, (images) => runs.push(`${name} ${images}`)),
    latency: fakeSystem(clock, 2 * milliseconds),
  });
  const contestants = [
    contestant("original-float32", 10),
    contestant("original-int8", 6),
    contestant("compressed", 1),
    contestant("twin", 2),
  ];
  const options: MeasureOptions = {
    images: fakeImages(300),
    scenarios: ["single-stream", "files", "server"],
    files: (count) => fakeImages(count),
    rounds: 5,
    seconds: 1,
    seed: 1,
    clock,
    ...extra,
  };
  return { clock, contestants, options, runs };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("measure", () => {
  it("takes a sample of about the asked time from every system in every round", async () => {
    const { contestants, options, runs } = trial({ scenarios: [] });
    const { offline, order } = await measure(contestants, options);
    expect(order).toHaveLength(5);
    expect([...offline].map(([name, samples]) => [name, samples.map(Math.round)])).toEqual([
      ["original-float32", [100, 100, 100, 100, 100]],
      ["original-int8", [167, 167, 167, 167, 167]],
      ["compressed", [1000, 1000, 1000, 1000, 1000]],
      ["twin", [500, 500, 500, 500, 500]],
    ]);
    expect(runs.slice(-4)).toEqual(["original-float32 100", "original-int8 167", "compressed 1000", "twin 500"]);
  });

  it("measures single streams at the setting for latency", async () => {
    const { contestants, options } = trial({ scenarios: ["single-stream"] });
    const { singleStream } = await measure(contestants, options);
    expect(
      singleStream
        ?.get("twin")
        ?.flat()
        .every((milliseconds) => Math.abs(milliseconds - 4) < 1e-9),
    ).toBe(true);
    expect(singleStream?.get("twin")?.map((round) => round.length)).toEqual([250, 250, 250, 250, 250]);
  });

  it("measures what the files cost beside what the answers from files cost", async () => {
    const { contestants, options, clock } = trial({ scenarios: ["files"] });
    const files = function* (count: number) {
      for (const image of fakeImages(count)) {
        clock.spend(1);
        yield image;
      }
    };
    const measurements = await measure(contestants, { ...options, files });
    expect(measurements.files?.get("decoding")?.map(Math.round)).toEqual([1000, 1000, 1000, 1000, 1000]);
    expect(measurements.files?.get("twin")?.map(Math.round)).toEqual([333, 333, 333, 333, 333]);
  });

  it("loads servers with a share of their own capacity", async () => {
    const { contestants, options } = trial({ scenarios: ["server"] });
    const measurements = await measure(contestants, options);
    expect(measurements.server.map(({ load }) => load)).toEqual([0.5, 0.8]);
    expect(arrivalRate(measurements, "twin", 0.8)).toBeCloseTo(400, 6);
    const [half, most] = measurements.server.map(({ latencies }) => latencies.get("twin")!.flat());
    expect(Math.min(...half!)).toBeGreaterThanOrEqual(2 - 1e-9);
    expect(mean(most!)).toBeGreaterThan(mean(half!));
  });

  it("reports everything so far after each round of each scenario", async () => {
    const seen: string[] = [];
    const { contestants, options } = trial({
      rounds: 2,
      onRound: ({ offline, singleStream, files, server }) => {
        const lengths = [offline, singleStream, files, ...server.map(({ latencies }) => latencies)];
        seen.push(lengths.map((samples) => samples?.get("twin")?.length ?? 0).join(" "));
      },
    });
    await measure(contestants, options);
    expect(seen).toEqual([
      "1 0 0",
      "2 0 0",
      "2 1 0",
      "2 2 0",
      "2 2 1",
      "2 2 2",
      "2 2 2 1",
      "2 2 2 2",
      "2 2 2 2 1",
      "2 2 2 2 2",
    ]);
    expect(seen).toHaveLength(roundsInAll(options));
  });

  it("gives even a slow server enough arrivals for percentiles", async () => {
    const { contestants, options } = trial({ scenarios: ["server"], seconds: 0.01 });
    const { server } = await measure(contestants, options);
    for (const { latencies } of server) {
      for (const rounds of latencies.values()) expect(Math.min(...rounds.map((round) => round.length))).toBe(20);
    }
  });

  it("stops when aborted and says so", async () => {
    const controller = new AbortController();
    const { contestants, options } = trial({ signal: controller.signal, onRound: () => controller.abort() });
    await expect(measure(contestants, options)).rejects.toThrow(/aborted/);
  });
});
