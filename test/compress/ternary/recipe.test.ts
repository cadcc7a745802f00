// Needs: ONNX Runtime and the built lanes.
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { type CompressOptions, compress, integerForm, readIntegerForm } from "../../../src/compress/index.ts";
import { selectImages } from "../../../src/data/index.ts";
import { readModel } from "../../../src/onnx/index.ts";
import { preprocessing, scratch } from "../../support/twins.ts";
import { smallProblem } from "../pipeline/problem.ts";

vi.setConfig({ testTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

const { original, images } = await smallProblem(folder, 3000);

const request = (output: string, changes: Partial<CompressOptions> = {}): CompressOptions => ({
  original,
  preprocessing,
  images,
  output: join(folder, output),
  promise: { kind: "agreement", tolerance: 0.3, probability: 0.95 },
  recipe: "ternary",
  budget: 1,
  seed: 1,
  flip: true,
  work: join(folder, `${output}.work`),
  keepWork: true,
  ...changes,
});

describe("the recipe ternary", () => {
  test("goes on after an interruption, and gives the network of a run that was never interrupted", async () => {
    const [broken, whole] = [request("broken"), request("whole")];
    const controller = new AbortController();
    const onProgress = (step: string, done: number): void => {
      if (step.startsWith("training") && done >= 3) controller.abort();
    };
    await expect(compress({ ...broken, signal: controller.signal, onProgress })).rejects.toThrow(/abort/i);
    // The same number of epochs, which depends on this machine's speed; nothing of the training.
    cpSync(broken.work!, whole.work!, { recursive: true });
    rmSync(join(whole.work!, "ternary.checkpoint"));
    await compress(broken);
    await compress(whole);
    const bytes = [broken, whole].map(({ output }) => readFileSync(join(output, "compressed.onnx")));
    expect(bytes[0]!.equals(bytes[1]!)).toBe(true);
    const form = integerForm(readModel(join(whole.output, "compressed.onnx")));
    expect(await readIntegerForm(join(whole.work!, "ternary.json"))).toEqual(form);
  });

  test("refuses fewer than 2,000 training images in one line", async () => {
    const few = request("few", { images: await selectImages(images, { take: 2500 }) });
    await expect(compress(few)).rejects.toThrow(
      /^ternary: 1\d+ images to train on are fewer than the 2000 .*another recipe$/,
    );
    expect(existsSync(few.output)).toBe(false);
  });
});
