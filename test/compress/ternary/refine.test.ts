// Needs: ONNX Runtime and the built lanes.
import { afterAll, describe, expect, test, vi } from "vitest";
import { quantizeModel } from "../../../src/compress/index.ts";
import { type Compression, storeCandidate } from "../../../src/compress/pipeline/context.ts";
import type { Recipe } from "../../../src/compress/pipeline/recipe.ts";
import { refined } from "../../../src/compress/ternary/refine.ts";
import type { Dataset } from "../../../src/train/index.ts";
import { scratch } from "../../support/twins.ts";
import { bars } from "../../train/tiny.ts";
import { compressionIn, original } from "./compression.ts";

vi.setConfig({ testTimeout: 60_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

/** The original in integers, its weights of so many bits. */
const withBits = (weightBits: number): Recipe => ({
  source: "",
  judge: () => ({ suits: true, reason: "" }),
  run: async (compression, name) => {
    const { model } = await quantizeModel(original, batches(compression.training), { weightBits, threads: 1 });
    return [await storeCandidate(compression, "plain", name, model)];
  },
});

async function* batches({ images }: Dataset) {
  const count = 64;
  const data = Float32Array.from(images.subarray(0, 64 * count), (byte) => byte / 128 - 1);
  yield { count, data };
}

const namesFrom = async (recipe: Recipe, changed: Compression): Promise<string[]> =>
  (await refined(recipe).run(changed, "int8")).map(({ name }) => name);

describe("int8 that loses much", () => {
  test("is trained with its roundings, and kept where it is then better", async () => {
    expect(await namesFrom(withBits(2), await compressionIn(`${folder}/lossy`))).toEqual(["original-int8-refined"]);
  });

  test("stays as it is where there is no time left, or too few images", async () => {
    const late = await compressionIn(`${folder}/late`, { deadline: performance.now() });
    const few = await compressionIn(`${folder}/few`, { training: bars(300, 3) });
    expect(await namesFrom(withBits(2), late)).toEqual(["plain"]);
    expect(await namesFrom(withBits(2), few)).toEqual(["plain"]);
  });
});

test("int8 that loses little is not trained", async () => {
  const steps: string[] = [];
  const changed = await compressionIn(`${folder}/good`, { onProgress: (step) => void steps.push(step) });
  expect(await namesFrom(withBits(8), changed)).toEqual(["plain"]);
  expect(steps).not.toContain("training original-int8-refined");
});
