import { expect, test } from "vitest";
import { fashionMnistSplit } from "../../models/fashion-mnist/split.ts";
import { splitImages } from "../../src/data/index.ts";
import type { ImageSource } from "../../src/data/types.ts";

const source: ImageSource = {
  name: "numbers",
  count: 60_000,
  async *[Symbol.asyncIterator]() {
    for (let i = 0; i < 60_000; i++) yield { name: String(i), read: () => Promise.reject(new Error("has no pixels")) };
  },
};

async function namesOf(part: ImageSource): Promise<number[]> {
  const names: number[] = [];
  for await (const image of part) names.push(Number(image.name));
  return names;
}

test("the pair's split is disjoint, complete, and the one that splitImages draws", async () => {
  const { train, selection, calibration } = fashionMnistSplit(1);
  expect(new Set([...train, ...selection, ...calibration]).size).toBe(60_000);
  const parts = await splitImages(source, { train: 52_000, selection: 2_000, calibration: "rest" }, 1);
  expect(await namesOf(parts.selection)).toEqual([...selection]);
  expect(await namesOf(parts.calibration)).toEqual([...calibration]);
  expect(await namesOf(parts.train)).toEqual([...train]);
});
