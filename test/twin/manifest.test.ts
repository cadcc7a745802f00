import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManifestError } from "../../src/errors.ts";
import { allowanceFor } from "../../src/twin/calibration/allowance.ts";
import { rangeOf } from "../../src/twin/confidence/index.ts";
import { type Manifest, parseManifest } from "../../src/twin/manifest.ts";
import { confidenceMeasures } from "../../src/twin/types.ts";

const read = (pair: string): Manifest =>
  JSON.parse(readFileSync(new URL(`../../models/${pair}/twin/twin.json`, import.meta.url), "utf8"));
const stored = read("fashion-mnist");
const last = stored.ladder.at(-1)!;
const proven = last.threshold + stored.canaries!.allowance;
const guarantee = stored.guarantee!;

const parse = (changes: Partial<Manifest>): Manifest => parseManifest({ ...stored, ...changes }, "twin.json");
const withLast = (changes: Partial<typeof last>): Manifest["ladder"] => [
  ...stored.ladder.slice(0, -1),
  { ...last, ...changes },
];

describe("a manifest whose numbers void its guarantee is refused in one line, with the way out", () => {
  const cases: readonly [name: string, changes: Partial<Manifest>, message: string][] = [
    ["a negative threshold", { threshold: -1 }, 'threshold is -1, it must be 0 or more, as the confidence "margin" is'],
    [
      "a threshold below the proven one",
      { threshold: 0.01 },
      `threshold is 0.01, it must be ${proven}: the last rung's`,
    ],
    ["a threshold without the allowance", { threshold: last.threshold }, `it must be ${proven}: the last rung's`],
    ["a threshold that nothing reaches", { threshold: 1e9 }, `threshold is 1000000000, it must be ${proven}`],
    ["no threshold", { threshold: undefined }, `threshold is missing, it must be ${proven}`],
    ["a negative second threshold", { secondThreshold: -0.5 }, "secondThreshold is -0.5, it must be 0 or more"],
    [
      "a threshold that no probability reaches",
      { confidence: { measure: "max-probability", temperature: 1 }, threshold: 7 },
      'threshold is 7, it must be between 0 and 1, as the confidence "max-probability" is',
    ],
    [
      "rungs that rise",
      { ladder: [...stored.ladder, { ...last, threshold: 5 }] },
      `ladder[${stored.ladder.length}].threshold is 5, it must be below the rung before it, ${last.threshold}`,
    ],
    ["no rung", { ladder: [] }, "guarantee has no rung in ladder that proves it"],
    [
      "a tolerance below the proven bound",
      { guarantee: { ...guarantee, tolerance: last.bound / 2 } },
      `guarantee.tolerance is ${last.bound / 2}, it must be at least the drop proven at the last rung, ${last.bound}`,
    ],
    ["a last rung that proves too little", { ladder: withLast({ bound: 0.5 }) }, "proven at the last rung, 0.5"],
  ];

  test.each(cases)("%s", (_, changes, message) => {
    expect(() => parse(changes)).toThrow(ManifestError);
    expect(() => parse(changes)).toThrow(message);
    expect(() => parse(changes)).toThrow(/^twin\.json: .*; calibrate the twin again$/);
  });
});

test("a manifest whose preprocessing does not make what the networks read is refused", () => {
  const resize = { mode: "exact", size: 32 } as const;
  expect(() => parse({ preprocessing: { ...stored.preprocessing, resize } })).toThrow(
    "twin.json: preprocessing makes images of 1 x 32 x 32, the original network reads 1 x 28 x 28; restore preprocessing",
  );
});

test("a manifest with a value of another type is refused in one line, with the way out", () => {
  expect(() => parseManifest({ ...stored, threshold: "high" }, "twin.json")).toThrow(
    /^twin\.json: "threshold" is "high" \(wanted: number\); make the twin again$/,
  );
});

const unknown = (schemaVersion: string) => ({
  ...stored,
  schemaVersion,
  energy: { joules: 3 },
  preprocessing: { ...stored.preprocessing, gamma: 2.2 },
  ladder: stored.ladder.map((rung) => ({ ...rung, watts: 5 })),
});

describe("a manifest with fields that this version does not know", () => {
  test.each(["1.1", "1.10"])("is read without them where a later minor version, %s, wrote it", (schemaVersion) => {
    expect(parseManifest(unknown(schemaVersion), "twin.json")).toEqual({ ...stored, schemaVersion });
  });

  test("is refused where this version wrote it, or another major one", () => {
    expect(() => parseManifest(unknown("1.0"), "twin.json")).toThrow(
      /^twin\.json: preprocessing has unknown field "gamma"/,
    );
    expect(() => parseManifest(unknown("2.1"), "twin.json")).toThrow("has schema version 2.1, this twindnn reads 1.0");
  });

  test("is refused for what is wrong in the fields that are known", () => {
    expect(() => parseManifest({ ...unknown("1.1"), threshold: "high" }, "twin.json")).toThrow(
      /^twin\.json: "threshold" is "high" \(wanted: number\); make the twin again$/,
    );
  });
});

test.each(["fashion-mnist", "cifar10"])("the stored pair %s is read", (pair) => {
  expect(parseManifest(read(pair), "twin.json").guarantee).toBeDefined();
});

test("an uncalibrated twin may carry a threshold within the range of its confidence", () => {
  const { guarantee: _, ...uncalibrated } = stored;
  expect(parseManifest({ ...uncalibrated, ladder: [], threshold: 0.5 }, "twin.json").threshold).toBe(0.5);
});

test("a threshold that is raised by its allowance stays in the measure's range, and does not fall", () => {
  const within = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...confidenceMeasures), within, (measure, threshold) => {
      const raised = threshold + allowanceFor(measure, threshold);
      expect(raised).toBeGreaterThanOrEqual(threshold);
      expect(raised).toBeLessThanOrEqual(rangeOf(measure).high);
    }),
  );
});
