import { describe, expect, it } from "vitest";
import { checkCanaries, decodeCanaries, encodeCanaries } from "../../src/twin/canaries.ts";
import { defaultConfidence } from "../../src/twin/confidence/index.ts";
import type { Logits } from "../../src/twin/types.ts";

const logits = (...rows: readonly (readonly [number, number])[]): Logits => ({
  data: Float32Array.from(rows.flat()),
  count: rows.length,
  classes: 2,
});

const compressed = logits([3, 0], [0, 2]);
const original = logits([4, 0], [0, 5]);
const second = logits([4, 1], [1, 4]);
const stored = { compressed, original, second };
const allowed = { compressed: 0.1, second: 0.1 };
const check = (here: Partial<typeof stored>, before: Partial<typeof stored> = stored) =>
  checkCanaries({ compressed, original, ...before }, { ...stored, ...here }, defaultConfidence, allowed);

it("a canary file comes back with the logits of two networks or of three", () => {
  const canaries = { count: 2, planes: Uint8Array.of(1, 2, 3, 4, 5, 6), ...stored };
  expect(decodeCanaries(encodeCanaries(canaries), 2, 3, 2)).toEqual(canaries);
  const { second: _, ...two } = canaries;
  expect(decodeCanaries(encodeCanaries(two), 2, 3, 2)).toEqual(two);
  expect(decodeCanaries(encodeCanaries(two).subarray(1), 2, 3, 2)).toBeUndefined();
});

describe("canaries pass", () => {
  it("where every network answers as it did", () => {
    expect(check({})).toEqual({ confidenceChange: 0, changedAnswers: 0, passed: true });
    expect(check({ second: logits([4, 1.05], [1, 4]) }).passed).toBe(true);
  });
});

describe("canaries fail", () => {
  it("where the compressed network's confidence changes by more than the allowance", () => {
    expect(check({ compressed: logits([3.2, 0], [0, 2]) }).passed).toBe(false);
  });

  it("where the second stage computes otherwise", () => {
    expect(check({ second: logits([4, 1.2], [1, 4]) }).passed).toBe(false);
    expect(check({ second: logits([4, 1], [4, 1]) })).toMatchObject({ changedAnswers: 1, passed: false });
  });

  it("where nothing is known of the second stage that answers", () => {
    expect(check({}, { compressed, original }).passed).toBe(false);
  });
});
