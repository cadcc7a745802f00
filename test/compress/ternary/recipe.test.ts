// Needs: ONNX Runtime and the built lanes.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { type CompressOptions, compress, integerForm, readIntegerForm, recipes } from "../../../src/compress/index.ts";
import type { Candidate } from "../../../src/compress/pipeline/context.ts";
import { selectImages } from "../../../src/data/index.ts";
import { readModel } from "../../../src/onnx/index.ts";
import { readTwin } from "../../../src/twin/index.ts";
import { preprocessing, scratch } from "../../support/twins.ts";
import { smallProblem } from "../pipeline/problem.ts";
import { compressionIn } from "./compression.ts";

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
  ...changes,
});

describe("the recipe ternary", () => {
  test("goes on after an interruption, and gives the network of a run that was never interrupted", async () => {
    const [broken, whole] = [join(folder, "broken"), join(folder, "whole")];
    const controller = new AbortController();
    const onProgress = (step: string, done: number): void => {
      if (step.startsWith("training") && done >= 3) controller.abort();
    };
    // No time is left, so that one epoch is trained.
    const deadline = performance.now();
    const stopped = await compressionIn(broken, { deadline, signal: controller.signal, onProgress });
    await expect(recipes.ternary.run(stopped, "ternary")).rejects.toThrow(/abort/i);
    await stopped.work[Symbol.asyncDispose]();
    const networks: Buffer[] = [];
    for (const work of [broken, whole]) {
      const [{ network }] = (await recipes.ternary.run(await compressionIn(work, { deadline }), "ternary")) as [
        Candidate,
      ];
      networks.push(readFileSync(join(work, network.file)));
    }
    expect(networks[0]!.equals(networks[1]!)).toBe(true);
  });

  test("makes a twin of the original, which carries the integer form, and judges these integers as it trains", async () => {
    const { scores, curves } = await compress(request("twin"));
    expect(scores.map(({ candidate }) => candidate)).toEqual(["ternary"]);
    const judged = curves[0]!.points.findLast(({ agreement }) => agreement !== undefined);
    expect(judged?.agreement).toBeCloseTo(scores[0]!.agreement, 10);
    const path = join(folder, "twin");
    const { manifest } = await readTwin(path);
    expect(manifest.compression).toMatchObject({ recipe: "ternary" });
    expect(manifest.networks.compressed.macs).toBe(manifest.networks.original.macs);
    const form = await readIntegerForm(join(path, manifest.integerForm!.description.file));
    expect(form).toEqual(integerForm(readModel(join(path, "compressed.onnx"))));
    appendFileSync(join(path, manifest.integerForm!.weights.file), "more");
    await expect(readTwin(path)).rejects.toThrow(/compressed\.integer\.bin: has SHA-256/);
  });

  test("refuses fewer than 2,000 training images in one line", async () => {
    const few = request("few", { images: await selectImages(images, { take: 2500 }) });
    await expect(compress(few)).rejects.toThrow(
      /^ternary: 1\d+ images to train on are fewer than the 2000 .*another recipe$/,
    );
    expect(existsSync(few.output)).toBe(false);
  });
});
