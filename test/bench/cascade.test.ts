import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gbvsb, measuresFor, sortedProbabilities } from "../../bench/cascade/confidence.ts";
import { placeThreshold, qualityOf } from "../../bench/cascade/policy.ts";
import type { LabelledOutputs } from "../../bench/rival.ts";
import { vgg16 } from "../../models/cifar10/network.ts";
import { modelCost } from "../../src/onnx/index.ts";
import type { Logits } from "../../src/twin/index.ts";

const classes = 4;
const logits = (rows: readonly (readonly number[])[]): Logits => ({
  data: Float32Array.from(rows.flat()),
  count: rows.length,
  classes: rows[0]!.length,
});

const row = fc.array(
  fc.integer({ min: -60, max: 60 }).map((value) => value / 10),
  { minLength: classes, maxLength: classes },
);

const outputs: fc.Arbitrary<LabelledOutputs> = fc
  .array(fc.record({ lowPrecision: row, original: row, label: fc.nat(classes - 1) }), { minLength: 1, maxLength: 60 })
  .map((images) => ({
    rival: logits(images.map(({ lowPrecision }) => lowPrecision)),
    original: logits(images.map(({ original }) => original)),
    labels: Int32Array.from(images, ({ label }) => label),
  }));

describe("gBvSB", () => {
  const probabilities = sortedProbabilities(logits([[0.5, 0.3, 0.15, 0.05].map(Math.log)]));

  it("is the gap between the two largest probabilities at M = 1, N = 2", () => {
    expect(gbvsb(probabilities, { best: 1, last: 2 })[0]).toBeCloseTo(0.2, 6);
  });

  it("sets the M largest against those up to the Nth", () => {
    expect(gbvsb(probabilities, { best: 2, last: 3 })[0]).toBeCloseTo(0.65, 6);
    expect(gbvsb(probabilities, { best: 2, last: 4 })[0]).toBeCloseTo(0.6, 6);
  });

  it("tries every M < N once, within the number of classes", () => {
    expect(measuresFor(3)).toEqual([
      { best: 1, last: 2 },
      { best: 1, last: 3 },
      { best: 2, last: 3 },
    ]);
  });
});

describe("the policy", () => {
  it("loses no more on its own images than it was allowed", () => {
    fc.assert(
      fc.property(outputs, fc.constantFrom(0, 0.05, 0.3), (images, tolerance) => {
        const { accuracy } = qualityOf(images, placeThreshold(images, tolerance));
        expect(accuracy.original - accuracy.cascade).toBeLessThanOrEqual(tolerance + 1e-9);
      }),
    );
  });

  it("escalates no more when more may be lost", () => {
    fc.assert(
      fc.property(outputs, (images) => {
        const rates = [0, 0.1, 1].map((allowed) => qualityOf(images, placeThreshold(images, allowed)).escalationRate);
        expect(rates).toEqual(rates.toSorted((a, b) => b - a));
        expect(rates[2]).toBe(0);
      }),
    );
  });

  it("hands on the unsure image that the original alone gets right", () => {
    const images: LabelledOutputs = {
      rival: logits([
        [5, 0, 0],
        [0.2, 0.1, 0],
      ]),
      original: logits([
        [5, 0, 0],
        [0, 3, 0],
      ]),
      labels: Int32Array.of(0, 1),
    };
    const quality = qualityOf(images, placeThreshold(images, 0));
    expect(quality).toEqual({
      accuracy: { original: 1, lowPrecision: 0.5, cascade: 1 },
      escalationRate: 0.5,
      recovery: 1,
      escalated: [1],
    });
  });
});

describe("the VGG-16 to compress", () => {
  it.each([
    [0.5, 79e6],
    [0.25, 20e6],
  ])("has at width %s the multiply-adds that it is said to have", (width, macs) => {
    expect(modelCost(vgg16({ width, classes: 10, seed: 1 })).macs / macs).toBeCloseTo(1, 1);
  });
});
