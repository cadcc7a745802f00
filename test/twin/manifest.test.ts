import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManifestError } from "../../src/errors.ts";
import { allowanceFor } from "../../src/twin/allowance.ts";
import { rangeOf } from "../../src/twin/confidence/index.ts";
import { type Manifest, parseManifest } from "../../src/twin/manifest.ts";
import { confidenceMeasures } from "../../src/twin/types.ts";

const read = (pair: string): Manifest =>
  JSON.parse(readFileSync(new URL(`../../models/${pair}/twin/twin.json`, import.meta.url), "utf8"));
const stored = read("fashion-mnist");
const last = stored.ladder.at(-1)!;
const guarantee = stored.guarantee!;

const parse = (changes: Partial<Manifest>): Manifest => parseManifest({ ...stored, ...changes }, "twin.json");
const withLast = (changes: Partial<typeof last>): Manifest["ladder"] => [
  ...stored.ladder.slice(0, -1),
  { ...last, ...changes },
];

describe("a manifest whose numbers void its guarantee is refused in one line, with the way out", () => {
  const measure = { ...stored.confidence, measure: "max-probability" } as const;
  const cases: readonly [name: string, changes: Partial<Manifest>, message: RegExp][] = [
    ["a negative threshold", { threshold: -1 }, /threshold is -1, it must be 0 or more, as the confidence "margin" is/],
    ["a threshold below the proven one", { threshold: 0.01 }, /threshold is 0\.01, it must be 0\.7518/],
    ["a threshold just below the proven one", { threshold: last.threshold - 1e-3 }, /threshold is 0\.7360/],
    ["a threshold without the allowance", { threshold: last.threshold }, /the canaries' allowance, 0\.0147/],
    ["a threshold that nothing reaches", { threshold: 1e9 }, /threshold is 1000000000, it must be 0\.7518/],
    ["no threshold", { threshold: undefined }, /threshold is missing, it must be 0\.7518/],
    ["a negative second threshold", { secondThreshold: -0.5 }, /secondThreshold is -0\.5, it must be 0 or more/],
    ["a margin taken for a probability", { confidence: measure }, /ladder\[0\]\.threshold is 12\.5.*between 0 and 1/],
    [
      "rungs that rise",
      { ladder: [...stored.ladder, { ...last, threshold: 5 }] },
      /ladder\[60\]\.threshold is 5, it must be below/,
    ],
    ["no rung", { ladder: [] }, /guarantee has no rung in ladder/],
    [
      "a tolerance below the proven bound",
      { guarantee: { ...guarantee, tolerance: 0.001 } },
      /guarantee\.tolerance is 0\.001, it must be at least the drop proven at the last rung, 0\.00263/,
    ],
    ["a last rung that proves too little", { ladder: withLast({ bound: 0.5 }) }, /must be at least .* 0\.5/],
  ];

  test.each(cases)("%s", (_, changes, message) => {
    expect(() => parse(changes)).toThrow(ManifestError);
    expect(() => parse(changes)).toThrow(message);
    expect(() => parse(changes)).toThrow(/^twin\.json: .*; calibrate the twin again$/);
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
