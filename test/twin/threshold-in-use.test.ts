import { expect, it } from "vitest";
import { calibrate, type TwinOutputs } from "../../src/twin/calibration/index.ts";

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

it("a promise holds at the threshold in use, at the proven one, and where confidences are lower by the allowance", () => {
  const promise = { kind: "drop", tolerance: 0.005, probability: 0.95 } as const;
  const provenWith = (margin: number) => () => calibrate({ ...nearlyGained(margin), grid: [0.5], promise });
  expect(provenWith(0.53)()).toMatchObject({ chosen: { threshold: 0.5 } });
  expect(provenWith(0.505), "gains that are handed on").toThrow(/no threshold keeps a drop/);
  expect(provenWith(0.515), "gains that may be handed on elsewhere").toThrow(/no threshold keeps a drop/);
});

it("rates are those of the threshold in use", () => {
  const promise = { kind: "drop", tolerance: 0.04, probability: 0.95 } as const;
  const rateWith = (margin: number) =>
    calibrate({ ...nearlyGained(margin), grid: [0.5], promise }).chosen.escalationRate;
  expect(rateWith(0.53)).toBe(0);
  expect(rateWith(0.505)).toBe(150 / 5000);
});
