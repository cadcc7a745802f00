import { array, assert, constantFrom, double, property, record } from "fast-check";
import { expect, it } from "vitest";
import { allowanceFor, raised } from "../../src/twin/calibration/allowance.ts";
import { calibrate, type TwinOutputs } from "../../src/twin/calibration/index.ts";
import { type LossTable, lossesAt, worstLosses } from "../../src/twin/calibration/sample.ts";

const loss = constantFrom(-1, 0, 1);
const image = record({
  confidence: double({ min: 0, max: 4, noNaN: true }),
  shift: double({ min: -0.999, max: 0.999, noNaN: true }),
  kept: loss,
  escalated: loss,
});

const tableOf = (images: readonly { confidence: number; kept: number; escalated: number }[]): LossTable => {
  const escalated = Int8Array.from(images, (one) => one.escalated);
  return {
    confidence: Float64Array.from(images, (one) => one.confidence),
    kept: Int8Array.from(images, (one) => one.kept),
    escalated,
    escalatedAtWorst: escalated,
  };
};

it("however confidences differ within the allowance, no image loses more than calibration counted", () => {
  assert(
    property(array(image, { minLength: 1 }), double({ min: 0.1, max: 3, noNaN: true }), (images, threshold) => {
      const allowance = allowanceFor("margin", threshold);
      const counted = worstLosses(tableOf(images), threshold, allowance);
      const elsewhere = images.map((one) => ({ ...one, confidence: one.confidence + one.shift * allowance }));
      const lost = lossesAt(tableOf(elsewhere), raised("margin", threshold));
      expect(lost.every((value, i) => value <= counted[i]!)).toBe(true);
    }),
  );
});

/** 5,000 images of two classes; `gain` of them stand by a hair, right where the original is wrong, and 100 surer ones are lost. */
function nearlyGained(margin: number): TwinOutputs {
  const count = 5000;
  const compressed = new Float32Array(2 * count);
  const original = new Float32Array(2 * count);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const truth = i % 2;
    const [gained, lost] = [i < 150, i >= 150 && i < 250];
    labels[i] = truth;
    original[2 * i + (gained ? 1 - truth : truth)] = 5;
    compressed[2 * i + (lost ? 1 - truth : truth)] = gained ? margin : 1 + (i % 50) / 10;
  }
  const logits = (data: Float32Array) => ({ data, count, classes: 2 });
  return { compressed: logits(compressed), original: logits(original), labels };
}

it("answers that gain count only where they stand at the threshold in use too", () => {
  const promise = { kind: "drop", tolerance: 0.005, probability: 0.95 } as const;
  const provenWith = (margin: number) => () => calibrate({ ...nearlyGained(margin), grid: [0.5], promise });
  expect(provenWith(0.53)()).toMatchObject({ chosen: { threshold: 0.5 } });
  expect(provenWith(0.505)).toThrow(/no threshold keeps a drop/);
});

it("rates are those of the threshold in use", () => {
  const promise = { kind: "drop", tolerance: 0.04, probability: 0.95 } as const;
  const rateWith = (margin: number) =>
    calibrate({ ...nearlyGained(margin), grid: [0.5], promise }).chosen.escalationRate;
  expect(rateWith(0.53)).toBe(0);
  expect(rateWith(0.505)).toBe(150 / 5000);
});
