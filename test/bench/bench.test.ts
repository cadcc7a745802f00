import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BenchOptions, type BenchResult, benchTwin, parseBenchResult } from "../../src/bench/index.ts";
import { type ImageSource, openImages } from "../../src/data/index.ts";
import { updateTwin } from "../../src/twin/folder.ts";
import { pairTwin, readTwin, type TwinFolder } from "../../src/twin/index.ts";
import { labels, preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";

const folder = scratch();
const output = join(folder.path, "twin");
const options: BenchOptions = {
  command: "twindnn bench twin --data images",
  rounds: 2,
  seconds: 0.02,
  planning: "usual",
};
let twin: TwinFolder;
let images: ImageSource;

beforeAll(async () => {
  await pairTwin({ ...writePair(join(folder.path, "models")), preprocessing, labels, output });
  const { manifest } = await readTwin(output);
  await updateTwin(output, { ...manifest, threshold: 0.5 });
  twin = await readTwin(output);
  images = await openImages(await writeImages(join(folder.path, "images"), 60));
}, 60_000);
afterAll(() => folder.remove());

describe("benchTwin", () => {
  it("measures every system in every scenario, and saves what it has after each round", async () => {
    const saved: BenchResult[] = [];
    const rounds: string[] = [];
    const result = await benchTwin(twin, images, {
      ...options,
      onRound: (done, total) => rounds.push(`${done}/${total}`),
      save: async (soFar) => void saved.push(parseBenchResult(JSON.parse(JSON.stringify(soFar)), "out.json")),
    });
    expect(parseBenchResult(JSON.parse(JSON.stringify(result)), "out.json")).toEqual(result);
    expect(rounds).toEqual(Array.from({ length: 10 }, (_, i) => `${i + 1}/10`));
    expect(saved).toHaveLength(10);
    expect(saved[0]!.systems.twin!.imagesPerSecond.samples).toHaveLength(1);
    expect(saved[0]!.systems.twin!.latencyMs).toBeUndefined();
    expect(Object.keys(result.systems)).toEqual(["original-float32", "compressed", "twin"]);
    for (const system of Object.values(result.systems)) {
      expect(system.imagesPerSecond.samples).toHaveLength(2);
      expect(system.latencyMs!.samples).toHaveLength(2);
      expect(system.fromFiles!.imagesPerSecond.samples).toHaveLength(2);
      expect(system.server.map(({ load }) => load)).toEqual([0.5, 0.8]);
      expect(system.peakMemoryMiB).toBeGreaterThan(20);
    }
    expect(result.timeline.length).toBeGreaterThan(0);
  }, 120_000);

  it("counts every image once, whoever answers", async () => {
    const result = await benchTwin(twin, images, { ...options, rounds: 1, scenarios: [] });
    const { kept, escalated } = result.outcomes;
    expect(result.images).toBe(60);
    expect(kept.same + kept.different + escalated.same + escalated.different).toBe(60);
    expect(result.answeredBy.reduce((sum, { images: own }) => sum + own, 0)).toBe(60);
    expect(result.classes.reduce((sum, { images: own }) => sum + own, 0)).toBe(60);
    expect(result.escalationRate).toBeCloseTo((escalated.same + escalated.different) / 60, 12);
    expect(result.systems["original-float32"]!.agreement).toBe(1);
    expect(result.systems.twin!.agreement).toBeCloseTo(1 - kept.different / 60, 12);
    const { original, compressed } = result.twin.networks;
    expect(result.speedUp.byOperations).toBeCloseTo(
      original.macs / (compressed.macs + result.escalationRate * original.macs),
      12,
    );
    expect(result.escalatedImages.length).toBe(Math.min(24, escalated.different));
  }, 120_000);

  it("refuses images none of which can be read, before it measures anything", async () => {
    const empty: ImageSource = { name: "empty", async *[Symbol.asyncIterator]() {} };
    await expect(benchTwin(twin, empty, options)).rejects.toThrow(/^empty: holds no image that can be read/);
  });

  it("stops when aborted", async () => {
    const signal = AbortSignal.abort();
    await expect(benchTwin(twin, images, { ...options, signal })).rejects.toThrow(/abort/);
  });

  it("needs the compiled probe, which the build makes", () => {
    expect(existsSync(new URL("../../dist/bench/memory-probe.js", import.meta.url))).toBe(true);
  });
});
