// Needs: ONNX Runtime and the built lanes.
import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { quantizeModel } from "../../../src/compress/index.ts";
import { type Compression, networkIn, storeCandidate } from "../../../src/compress/pipeline/context.ts";
import type { Recipe } from "../../../src/compress/pipeline/recipe.ts";
import { WorkFolder } from "../../../src/compress/pipeline/work-folder.ts";
import { refined } from "../../../src/compress/ternary/refine.ts";
import { type Dataset, logitsOf } from "../../../src/train/index.ts";
import { admitModel } from "../../../src/twin/index.ts";
import { scratch } from "../../support/twins.ts";
import { bars, normalisation, tinyNetwork } from "../../train/tiny.ts";

vi.setConfig({ testTimeout: 60_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

const original = tinyNetwork();
const selection = bars(200, 4);

async function compression(name: string, changes: Partial<Compression> = {}): Promise<Compression> {
  const work = await WorkFolder.open(`${folder}/${name}`, name);
  const { entry, bytes } = await admitModel(original, "original.onnx");
  writeFileSync(work.file(entry.file), bytes);
  return {
    original: { model: original, entry, network: networkIn(work, entry, "original", normalisation) },
    normalisation,
    training: bars(2048, 3),
    selection,
    originalLogits: {
      data: await logitsOf(original, selection, { normalisation, threads: 1 }),
      count: 200,
      classes: 3,
    },
    budget: 3600,
    labelled: false,
    promise: { kind: "agreement", tolerance: 0.1, probability: 0.95 },
    target: {},
    deadline: performance.now() + 3_600_000,
    seed: 1,
    flip: false,
    threads: 1,
    work,
    onProgress: () => {},
    onNote: () => {},
    ...changes,
  };
}

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
    expect(await namesFrom(withBits(2), await compression("lossy"))).toEqual(["original-int8-refined"]);
  });

  test("stays as it is where there is no time left, or too few images", async () => {
    const late = await compression("late", { deadline: performance.now() });
    const few = await compression("few", { training: bars(300, 3) });
    expect(await namesFrom(withBits(2), late)).toEqual(["plain"]);
    expect(await namesFrom(withBits(2), few)).toEqual(["plain"]);
  });
});

test("int8 that loses little is not trained", async () => {
  const steps: string[] = [];
  const changed = await compression("good", { onProgress: (step) => void steps.push(step) });
  expect(await namesFrom(withBits(8), changed)).toEqual(["plain"]);
  expect(steps).not.toContain("training original-int8-refined");
});
