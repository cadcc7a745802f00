import { expect, test } from "vitest";
import { quantizeModel, slim } from "../../../src/compress/index.ts";
import { compareLayers } from "../../../src/compress/pipeline/layers.ts";
import { inputBatches } from "../../../src/compress/slim/images.ts";
import { modelCost } from "../../../src/onnx/index.ts";
import { architectures } from "../../support/architectures/index.ts";
import { classifier } from "../../support/models.ts";
import { noiseImages } from "../slim/support.ts";

const original = architectures["resnet-basic"]!(1);
const images = noiseImages(original, 40);

test("a thinned network's layers stand beside those that they were", async () => {
  const { model, report } = await slim(original, images, { target: { macs: 0.7 }, candidates: 2, steps: 0, seed: 1 });
  const pairs = await compareLayers(original, model);
  const sum = (side: "before" | "after"): number => pairs.reduce((total, pair) => total + (pair[side]?.macs ?? 0), 0);
  expect(sum("before")).toBe(modelCost(original).macs);
  expect(sum("after")).toBe(report.macs.after);
  expect(pairs.every(({ before }) => before !== undefined)).toBe(true);
  expect(pairs.some(({ before, after }) => after !== undefined && after.bytes < before!.bytes)).toBe(true);
  expect(pairs.every(({ before }) => before!.milliseconds! > 0)).toBe(true);
});

test("an int8 network's layers have 8 bits, fewer bytes and a time of their own", async () => {
  async function* batches() {
    yield* inputBatches(original, images);
  }
  const { model } = await quantizeModel(original, batches(), { threads: 1 });
  const pairs = await compareLayers(original, model);
  for (const { before, after } of pairs) {
    expect([before!.bits, after!.bits]).toEqual([32, 8]);
    expect(after!.macs).toBe(before!.macs);
    expect(after!.bytes).toBeLessThan(before!.bytes);
    expect(after!.milliseconds).toBeGreaterThan(0);
  }
});

test("the layers of a network made anew follow after the original's, whatever their names", async () => {
  const [large, small] = [classifier({ seed: 1, depth: 3 }), classifier({ seed: 2, width: 16, size: 4 })];
  const pairs = await compareLayers(large, small);
  expect(pairs.map(({ before, after }) => [before?.op, after?.op])).toEqual([
    ["Conv", undefined],
    ["Conv", undefined],
    ["Conv", undefined],
    ["Gemm", undefined],
    [undefined, "Conv"],
    [undefined, "Gemm"],
  ]);
});
