import { describe, expect, it } from "vitest";
import { looksLearned, standingOf } from "../../src/twin/index.ts";
import type { Logits } from "../../src/twin/types.ts";
import { storedLogits } from "./stored.ts";

/** Answers of two classes with this probability, as many of them right as said. */
function answers(count: number, right: number, probability: number): { logits: Logits; labels: Int32Array } {
  const data = Float32Array.from({ length: 2 * count }, (_, i) =>
    i % 2 === 0 ? Math.log(probability / (1 - probability)) : 0,
  );
  const labels = Int32Array.from({ length: count }, (_, i) => (i < right ? 0 : 1));
  return { logits: { data, count, classes: 2 }, labels };
}

const standing = (count: number, right: number, probability: number) => {
  const { logits, labels } = answers(count, right, probability);
  return standingOf(logits, labels);
};

describe("images that look learned", () => {
  it("are told by how often a network is right and how sure it is", () => {
    const { images, accuracy, probability } = standing(1000, 970, 0.965)!;
    expect(images).toBe(1000);
    expect(accuracy).toBeCloseTo(0.97, 6);
    expect(probability).toBeCloseTo(0.965, 6);
  });

  it.each([
    ["right as often as sure", 974, 0.973, true],
    ["surer than right by less than chance explains", 970, 0.974, true],
    ["surer than right, as on new images", 960, 0.985, false],
    ["right nearly always", 998, 0.9999, true],
    ["right less often, whatever its probabilities", 907, 0.885, false],
  ])("%s", (_, right, probability, learned) => {
    expect(looksLearned(standing(1000, right, probability)!)).toBe(learned);
  });

  it("are not judged by a handful of labels", () => {
    const { logits, labels } = answers(500, 500, 0.9);
    labels.fill(-1, 99);
    expect(standingOf(logits, labels)).toBeUndefined();
  });

  it("are not seen in a real network's answers to real test images", () => {
    const { original, compressed, labels } = storedLogits();
    for (const logits of [original, compressed]) {
      const standing = standingOf(logits, labels)!;
      expect(standing.probability).toBeGreaterThan(standing.accuracy);
      expect(looksLearned(standing)).toBe(false);
    }
  });
});
