// Needs: ONNX Runtime and the built lanes.
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import {
  type CompressOptions,
  chooseRecipe,
  compress,
  recipes,
  type TrainingCurve,
} from "../../../src/compress/index.ts";
import { isKnown, mostlyOneClass } from "../../../src/compress/pipeline/fit.ts";
import { type ImageSource, presets, selectImages } from "../../../src/data/index.ts";
import { TrainingError, UsageError } from "../../../src/errors.ts";
import { calibrateTwin, evaluateImages, readTwin } from "../../../src/twin/index.ts";
import { preprocessing, scratch } from "../../support/twins.ts";
import { smallProblem } from "./problem.ts";

vi.setConfig({ testTimeout: 120_000 });

const { path: folder, remove } = scratch();
afterAll(remove);

const { original, images } = await smallProblem(folder, 2000);

/** A run too short to be of use, long enough to go through every step. */
const request = (output: string, changes: Partial<CompressOptions> = {}): CompressOptions => ({
  original,
  preprocessing,
  images,
  output: join(folder, output),
  promise: { kind: "agreement", tolerance: 0.2, probability: 0.95 },
  recipe: "student",
  budget: 1,
  seed: 1,
  flip: true,
  ...changes,
});

const isTraining = (step: string): boolean => step.startsWith("training") || step === "slim: mimicking";

/** Runs until training has done some steps, then aborts. */
async function interrupted(options: CompressOptions): Promise<void> {
  const controller = new AbortController();
  const onProgress = (step: string, done: number): void => {
    if (isTraining(step) && done >= 3) controller.abort();
  };
  await expect(compress({ ...options, signal: controller.signal, onProgress })).rejects.toThrow(/abort/i);
}

/** A point of a long training is the mean of several steps: those of an interruption at step 3 lack what came before it. */
const lossesOf = ({ network, points }: TrainingCurve) => {
  const losses = points.filter(({ loss }) => loss !== undefined);
  return [network, losses.map(({ step }) => step), losses.slice(2)];
};

afterEach(() => vi.restoreAllMocks());

describe("compress", () => {
  test.each<[string, Partial<CompressOptions>]>([
    ["student", {}],
    ["slim", { recipe: "slim", budget: 8, target: { macs: 0.6 } }],
  ])(
    "goes on after an interruption, and gives the network of a run that was never interrupted: %s",
    async (recipe, changes) => {
      const broken = request(`broken-${recipe}`, changes);
      await interrupted(broken);
      expect(existsSync(broken.output)).toBe(false);
      // The same choices, which depend on this machine's speed; nothing of the training.
      const whole = request(`whole-${recipe}`, changes);
      cpSync(`${broken.output}.work`, `${whole.output}.work`, { recursive: true });
      for (const name of readdirSync(`${whole.output}.work`)) {
        if (name.endsWith(".checkpoint")) rmSync(join(`${whole.output}.work`, name));
      }
      let steps = 0;
      const resumed = await compress({
        ...broken,
        onProgress: (step) => void (isTraining(step) && steps++),
      });
      const { curves } = await compress(whole);
      expect(resumed.curves.map(lossesOf)).toEqual(curves.map(lossesOf));
      const bytes = [broken, whole].map(({ output }) => readFileSync(join(output, "compressed.onnx")));
      expect(bytes[0]!.equals(bytes[1]!)).toBe(true);
      expect(steps).toBeGreaterThan(0);
      expect(existsSync(`${broken.output}.work`)).toBe(false);
    },
  );

  test("makes a twin that says how it was made, calibrated on images that did not train", async () => {
    const options = request("int8", { recipe: "int8", promise: { kind: "drop", tolerance: 0.05, probability: 0.95 } });
    const { parts, scores, layers } = await compress(options);
    const convolutions = layers.filter(({ before }) => before?.op === "Conv");
    expect(convolutions.map(({ before, after }) => [before?.bits, after?.bits])).toEqual([
      [32, 8],
      [32, 8],
      [32, 8],
    ]);
    expect(parts).toEqual({ training: 1400, selection: 100, calibration: 500 });
    expect(scores.map(({ candidate }) => candidate)).toEqual(["original-int8"]);
    const { manifest } = await readTwin(options.output);
    expect(manifest.compression).toMatchObject({ recipe: "int8", seed: 1, training: { images: 1400 } });
    expect(manifest.guarantee).toMatchObject({ kind: "drop", images: 500, parts: { selection: { images: 100 } } });
  });

  test("reads every image once", async () => {
    const reads = new Map<string, number>();
    const watched = {
      ...images,
      async *[Symbol.asyncIterator]() {
        for await (const item of images) {
          const read = () => {
            reads.set(item.name, (reads.get(item.name) ?? 0) + 1);
            return item.read();
          };
          yield { ...item, read };
        }
      },
    };
    await compress(request("once", { recipe: "int8", images: watched }));
    expect(reads.size).toBe(2000);
    expect(new Set(reads.values())).toEqual(new Set([1]));
  });

  test("slim meets the share of multiply-adds asked for, and offers the thinned network in int8 as well", async () => {
    const options = request("slim", { recipe: "slim+int8", target: { macs: 0.6 } });
    const { scores } = await compress(options);
    expect(scores.map(({ candidate }) => candidate).toSorted()).toEqual(["slim-60", "slim-60-int8"]);
    const { manifest } = await readTwin(options.output);
    expect(manifest.networks.compressed.macs).toBeLessThanOrEqual(0.6 * manifest.networks.original.macs);
    expect(manifest.compression).toMatchObject({ recipe: "slim+int8", options: { macs: 0.6 } });
  });

  test("keeps its best twin when calibration cannot prove the promise", async () => {
    const options = request("unproven", {
      recipe: "int8",
      images: await selectImages(images, { skip: 20 }),
      calibration: await selectImages(images, { take: 20 }),
    });
    await expect(compress(options)).rejects.toThrow(/The best twin so far is in .*unproven\.work.*, without a promise/);
    expect(existsSync(options.output)).toBe(false);
    expect((await readTwin(join(`${options.output}.work`, "twin"))).manifest.guarantee).toBeUndefined();
  });

  test("proves another promise of the same network without compressing anew", async () => {
    const options = request("promises", { recipe: "int8", work: join(folder, "promises.work"), keepWork: true });
    await compress(options);
    const steps: string[] = [];
    const promise = { kind: "drop", tolerance: 0.05, probability: 0.95 } as const;
    await compress({ ...options, promise, replace: true, onProgress: (step) => void steps.push(step) });
    expect(steps.filter((step) => step.startsWith("int8"))).toEqual([]);
    expect((await readTwin(options.output)).manifest.guarantee).toMatchObject({ kind: "drop", images: 500 });
  });

  test.each<[string, Partial<CompressOptions>, RegExp]>([
    [
      "too few images",
      { promise: { kind: "agreement", tolerance: 0.001, probability: 0.95 } },
      /\d+ are needed at least, for an agreement/,
    ],
    ["a target that no student meets", { target: { macs: 0.001 } }, /the smallest student has .* million/],
    ["a speed that no student has", { target: { speedUp: 1e6 } }, /the smallest student would take .* ms an image/],
    ["calibration images that also train", { calibration: images }, /also train; give others/],
    ["images of another kind", { original: "missing.onnx" }, /missing\.onnx/],
  ])("refuses %s in one line", async (_, changes, message) => {
    await expect(compress(request("refused", changes))).rejects.toThrow(message);
    expect(existsSync(join(folder, "refused"))).toBe(false);
  });

  test("goes on with the original in int8 where training diverges, and says so", async () => {
    vi.spyOn(recipes.student, "run").mockRejectedValue(new TrainingError("the loss is no longer a number at step 7"));
    const notes: string[] = [];
    const { chosen } = await compress(request("diverged", { onNote: (note) => void notes.push(note) }));
    expect(chosen).toBe("original-int8");
    expect(notes).toContainEqual(
      "student failed: the loss is no longer a number at step 7. Going on with the original in int8, the best so far",
    );
  });

  test("takes the original in int8 where the recipe that auto chose does not serve the model, and says so", async () => {
    vi.spyOn(recipes["slim+int8"], "run").mockRejectedValue(new UsageError("no group of channels can be thinned"));
    const notes: string[] = [];
    const onNote = (note: string): void => void notes.push(note);
    const { recipe, chosen } = await compress(request("refusing", { recipe: "auto", onNote }));
    expect([recipe, chosen]).toEqual(["slim+int8", "original-int8"]);
    expect(notes.join()).toContain("slim+int8 failed: no group of channels can be thinned. Going on with");
  });

  test("says by how much the network misses a target that only measuring tells", async () => {
    const notes: string[] = [];
    const changes = {
      recipe: "int8",
      target: { speedUp: 1000 },
      onNote: (note: string) => void notes.push(note),
    } as const;
    const { missed } = await compress(request("slow", changes));
    expect(missed).toMatch(/^original-int8 is \d+\.\d\d times as fast as the original, not 1000$/);
    expect(notes).toContainEqual(`the target is missed: ${missed}. This is the best so far`);
  });

  test.each<[string, Partial<CompressOptions>, RegExp]>([
    [
      "a preprocessing of another size",
      { preprocessing: presets.imagenet },
      /reads images of .*, the preprocessing makes 3 x 224 x 224/,
    ],
    ["labels of another number", { labels: ["a", "b"] }, /tells 4 classes apart, received 2 labels/],
    ["an unknown recipe", { recipe: "int4" as "int8" }, /"recipe" is "int4" \(known: "auto", "int8"/],
    ["a budget that is none", { budget: Number.NaN }, /"budget" is NaN/],
    ["a seed that is no whole number", { seed: 1.5 }, /"seed" is 1.5/],
    ["more multiply-adds than the original has", { target: { macs: 7 } }, /"target.macs" is 7 \(must be a share/],
    ["a promise without a loss", { promise: { kind: "agreement", tolerance: 0, probability: 0.95 } }, /tolerance/],
  ])("refuses %s before it reads an image", async (_, changes, message) => {
    const unread: ImageSource = { name: "unread", count: 2000, [Symbol.asyncIterator]: () => expect.unreachable() };
    const attempt = compress(request("early", { images: unread, ...changes }));
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toThrow(message);
    expect(existsSync(join(folder, "early.work"))).toBe(false);
  });

  test("a twin is not calibrated on images that trained it, and says which of others it knows", async () => {
    const options = request("trained", { recipe: "int8" });
    await compress(options);
    const promise = { ...options.promise, tolerance: 0.3 };
    await expect(calibrateTwin(options.output, images, { promise })).rejects.toThrow(
      /images trained or chose the compressed network.*calibrate on new ones/,
    );
    const { known } = await evaluateImages(await readTwin(options.output), images);
    expect(known).toBe(2000);
  });

  test("refuses an image of a class that the original does not know before any work", async () => {
    const beyond = {
      ...images,
      async *[Symbol.asyncIterator]() {
        for await (const item of images) yield { ...item, label: item.label! + 1 };
      },
    };
    await expect(compress(request("beyond", { images: beyond }))).rejects.toThrow(
      /has class 4, and the original knows 0 to 3/,
    );
    expect(existsSync(join(folder, "beyond.work"))).toBe(false);
  });

  test("refuses images of one class", async () => {
    const few = await selectImages(images, { take: 1200 });
    const same = {
      ...few,
      async *[Symbol.asyncIterator]() {
        for await (const item of few) yield { ...item, label: 3 };
      },
    };
    await expect(compress(request("one", { images: same }))).rejects.toThrow(
      /all \d+ images are of class .*; give images of all classes/,
    );
  });

  test("refuses labels that do not belong to the original", async () => {
    const wrong = {
      ...images,
      async *[Symbol.asyncIterator]() {
        for await (const item of images) yield { ...item, label: (item.label! + 1) % 4 };
      },
    };
    await expect(compress(request("wrong", { images: wrong }))).rejects.toThrow(/near chance; check --preprocess/);
    expect(existsSync(join(folder, "wrong.work"))).toBe(false);
  });

  test("goes on in a work folder that was moved", async () => {
    const options = request("moved", { recipe: "int8" });
    const controller = new AbortController();
    const onProgress = (step: string): void => {
      if (step === "comparing") controller.abort();
    };
    await expect(compress({ ...options, signal: controller.signal, onProgress })).rejects.toThrow(/abort/i);
    const work = join(folder, "elsewhere");
    renameSync(`${options.output}.work`, work);
    const steps: string[] = [];
    await compress({ ...options, work, onProgress: (step) => void steps.push(step) });
    expect(steps).toContain("comparing");
    expect(steps.filter((step) => step.startsWith("int8"))).toEqual([]);
    expect((await readTwin(options.output)).manifest.compression).toMatchObject({ recipe: "int8" });
  });

  test.each(["original.f32", "original-int8.onnx"])(
    "names the way out where %s of its work folder is damaged",
    async (file) => {
      const options = request(`damaged-${file}`, { recipe: "int8" });
      const controller = new AbortController();
      const onProgress = (step: string): void => {
        if (step === "comparing") controller.abort();
      };
      await expect(compress({ ...options, signal: controller.signal, onProgress })).rejects.toThrow(/abort/i);
      truncateSync(join(`${options.output}.work`, file), 100);
      await expect(compress(options)).rejects.toThrow(/\.work: holds a damaged file .*; delete it and start anew/);
    },
  );

  test("says how much longer than its budget a run took", async () => {
    const notes: string[] = [];
    await compress(request("late", { recipe: "int8", budget: 0.1, onNote: (note) => notes.push(note) }));
    expect(notes).toContainEqual(expect.stringMatching(/the run took \d+\.\d minutes more than its budget of 0\.0/));
  });

  test("refuses the work folder of another run", async () => {
    const work = join(folder, "shared.work");
    const options = request("first", { recipe: "int8", work, keepWork: true });
    await compress(options);
    await expect(compress(request("second", { recipe: "int8", work, seed: 2 }))).rejects.toThrow(
      /holds a run with other options/,
    );
  });
});

test("images without labels that the original takes for one class mostly are pointed out", () => {
  const [sevens, others] = [Array.from({ length: 85 }, () => 7), Array.from({ length: 15 }, (_, i) => i % 7)];
  expect(mostlyOneClass(Int32Array.from([...sevens, ...others]))).toMatch(
    /^the original gives 85.0 % of these images class 7: a promise holds/,
  );
  expect(mostlyOneClass(Int32Array.from([...sevens, ...others, ...others]))).toBeUndefined();
});

test("images on which the original is near perfect, or far better than elsewhere, look like those that trained it", () => {
  expect(isKnown({ images: 1000, accuracy: 0.999, probability: 1 }, 0.99)).toBe(true);
  expect(isKnown({ images: 1000, accuracy: 0.94, probability: 0.97 }, 0.88)).toBe(true);
  expect(isKnown({ images: 1000, accuracy: 0.9, probability: 0.97 }, 0.88)).toBe(false);
});

describe("auto", () => {
  test.each([
    [{ images: 45_000, labelled: true, classes: 10 }, "student+int8", "labels and the original's answers"],
    [{ images: 45_000, labelled: false, classes: 10 }, "student+int8", "for want of labels"],
    [{ images: 500, labelled: true, classes: 1000 }, "slim+int8", "fewer than the 500000"],
    [{ images: 100, labelled: false, classes: 10 }, "int8", "fewer than the 200 that refitting layers wants"],
  ] as const)("given %o takes %s and says why", (means, recipe, reason) => {
    const chosen = chooseRecipe(means);
    expect(chosen.recipe).toBe(recipe);
    expect(chosen.reason).toContain(reason);
  });
});
