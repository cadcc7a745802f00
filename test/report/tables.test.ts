import { describe, expect, it } from "vitest";
import { benchResultSchema, parseBenchResult } from "../../src/bench/types.ts";
import { metric, percent, points, significant, times } from "../../src/report/figures.ts";
import { guaranteeSentence, headline } from "../../src/report/sentences.ts";
import { markdownTable, resultText } from "../../src/report/tables.ts";
import { syntheticResult } from "./fixture.ts";

describe("a bench result", () => {
  it("survives JSON", async () => {
    const result = await syntheticResult({ pictures: 2 });
    expect(parseBenchResult(JSON.parse(JSON.stringify(result)), "out.json")).toEqual(result);
  });

  it("is refused when it is of another version, or no result at all", async () => {
    const result = await syntheticResult({ pictures: 0 });
    expect(() => parseBenchResult({ ...result, schemaVersion: "2.0" }, "a.json")).toThrow(
      /a\.json: has schema version 2\.0, .* reads 1\.0/,
    );
    expect(() => parseBenchResult([], "a.json")).toThrow(/no schemaVersion/);
    expect(() => parseBenchResult({ ...result, escalationRate: 12 }, "a.json")).toThrow(/escalationRate/);
  });

  it("takes pictures only as PNG in a data: address", async () => {
    const result = await syntheticResult({ pictures: 1 });
    const [image] = result.escalatedImages;
    for (const picture of [
      "https://example.org/a.png",
      'data:image/png;base64,AA"onerror=',
      "data:image/svg+xml;base64,AAAA",
    ]) {
      const forged = { ...result, escalatedImages: [{ ...image, picture }] };
      expect(benchResultSchema.safeParse(forged).success).toBe(false);
    }
  });
});

describe("resultText", () => {
  it("has lines of equal length in each table, and no colour codes", async () => {
    const text = resultText(await syntheticResult({ pictures: 0 }));
    for (const table of text.split("\n\n").slice(0, 2)) {
      expect(new Set(table.split("\n").map((line) => line.length)).size).toBe(1);
    }
    expect(text).not.toContain("\u001B");
  });

  it("says what was measured of each system, and leaves out what was not", async () => {
    const result = await syntheticResult({ pictures: 0 });
    const full = resultText(result);
    for (const heading of [
      "accuracy",
      "agreement",
      "images/s",
      "speed-up",
      "from files",
      "decoding",
      "80 % load",
      "recovery",
    ]) {
      expect(full).toContain(heading);
    }
    for (const system of Object.values(result.systems)) {
      delete system.fromFiles;
      delete system.latencyMs;
      system.server = [];
    }
    const bare = resultText(result);
    for (const heading of ["from files", "decoding", "load", "p99"]) expect(bare).not.toContain(heading);
  });

  it("speaks of no accuracy without labels", async () => {
    const text = resultText(await syntheticResult({ labelled: false, int8: false, pictures: 0 }));
    expect(text).not.toMatch(/accuracy|recovery|drop|int8/);
    expect(text).toContain("gives the original's answer for at least 98.00 % of the images");
  });
});

describe("markdownTable", () => {
  it("has a row for each system, with as many cells as headings", async () => {
    const lines = markdownTable(await syntheticResult({ pictures: 0 })).split("\n");
    expect(lines).toHaveLength(6);
    expect(new Set(lines.map((line) => line.split("|").length)).size).toBe(1);
    expect(lines.map((line) => line.split("|")[1]!.trim()).slice(2)).toEqual([
      "original, float32",
      "original, int8",
      "compressed",
      "twin",
    ]);
  });

  it("divides speeds round by round", async () => {
    const result = await syntheticResult({ pictures: 0, int8: false });
    result.systems["original-float32"]!.imagesPerSecond.samples = [100, 200, 100];
    result.systems.compressed!.imagesPerSecond.samples = [500, 500, 500];
    result.systems.twin!.imagesPerSecond.samples = [300, 300, 200];
    const twin = markdownTable(result).split("\n").at(-1)!;
    expect(twin).toContain("| 2.00× | 1.50 to 3.00 |");
  });
});

describe("the sentences", () => {
  it("say plainly that nothing is promised when nothing is", async () => {
    const { guarantee: _, ...result } = await syntheticResult({ pictures: 0 });
    expect(guaranteeSentence(result)).toMatch(/^No promise/);
  });

  it("never call a loss a gain", async () => {
    const result = await syntheticResult({ pictures: 0 });
    const said = (value: number) =>
      headline({ ...result, drop: { value, low: value, high: value, probability: 0.95 } });
    expect(said(0.002)).toContain("loses 0.20 points of accuracy");
    expect(said(-0.001)).toContain("gains 0.10 points of accuracy");
    expect(said(0.00001)).toContain("keeps the accuracy");
  });
});

describe("figures", () => {
  it("have the digits that mean something", () => {
    expect([0.0123456, 0.999, 9.996, 12.345, 99.95, 999.4, 12345.6].map(significant)).toEqual([
      "0.0123",
      "0.999",
      "10.0",
      "12.3",
      "100",
      "999",
      "12,346",
    ]);
    expect([125_747_840, 855_770, 512].map(metric)).toEqual(["126 M", "856 k", "512"]);
    expect([percent(0.12345), times(2.5), points(-0.005), points(0), points(-0.00001)]).toEqual([
      "12.3 %",
      "2.50×",
      "−0.50",
      "0.00",
      "0.00",
    ]);
  });
});
