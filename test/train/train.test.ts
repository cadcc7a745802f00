import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InputError, TrainingError, UsageError } from "../../src/errors.ts";
import { encodeModel, foldBatchNormalization, type Model } from "../../src/onnx/index.ts";
import {
  accuracyOf,
  crossEntropy,
  type Dataset,
  distillation,
  logitsOf,
  lookahead,
  mirrored,
  muon,
  oneCycle,
  type Progress,
  sgd,
  type TrainingOptions,
  train,
  triangular,
} from "../../src/train/index.ts";
import { bars, normalisation, tinyNetwork } from "./tiny.ts";

const data = bars(192);
const options: TrainingOptions = {
  epochs: 3,
  batch: 32,
  seed: 5,
  normalisation,
  augmentation: { shift: 1, alternatingFlip: true },
  loss: crossEntropy,
  optimiser: sgd(),
  rate: triangular({ peak: 0.1 }),
  averaging: 0.9,
  threads: 1,
};

const accuracy = async (network: Model, set: Dataset): Promise<number> =>
  accuracyOf(await logitsOf(network, set, { normalisation, threads: 1 }), set.labels);

const checkpointed = (changes: Partial<TrainingOptions> = {}): TrainingOptions => ({
  ...options,
  ...changes,
  checkpoint: { file: join(folder, "run.checkpoint"), everySteps: 4 },
});

/** Trains until `step` steps are done. */
async function interrupted(step: number, changes: Partial<TrainingOptions> = {}): Promise<void> {
  const controller = new AbortController();
  const onStep = (progress: Progress): void => {
    if (progress.step === step) controller.abort();
  };
  await train(tinyNetwork(), data, { ...checkpointed(changes), onStep, signal: controller.signal });
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "twindnn-train-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("train", () => {
  test("learns what the labels say, on images it has not seen", async () => {
    const trained = await train(tinyNetwork(), data, { ...options, epochs: 8 });
    expect(await accuracy(trained, bars(300, 99))).toBeGreaterThan(0.95);
  });

  test("leaves the network that it was given as it was", async () => {
    const network = tinyNetwork();
    const before = encodeModel(network);
    await train(network, data, { ...options, epochs: 1 });
    expect(encodeModel(network)).toEqual(before);
  });

  test("gives the same answers with BatchNormalization folded", async () => {
    const trained = await train(tinyNetwork(), data, options);
    const folded = foldBatchNormalization(trained);
    expect(folded.graph.nodes.some((node) => node.op === "BatchNormalization")).toBe(false);
    const [before, after] = [await logits(trained), await logits(folded)];
    const deviation = before.map((value, i) => Math.abs(value - after[i]!));
    expect(Math.max(...deviation)).toBeLessThan(1e-4);
  });

  test("gives the same network for the same seed, bit for bit, and another for another", async () => {
    const [first, second, other] = [
      await train(tinyNetwork(), data, options),
      await train(tinyNetwork(), data, options),
      await train(tinyNetwork(), data, { ...options, seed: 6 }),
    ];
    expect(encodeModel(second)).toEqual(encodeModel(first));
    expect(encodeModel(other)).not.toEqual(encodeModel(first));
  });

  test("learns from a teacher's logits alone", async () => {
    const teacher = await train(tinyNetwork(), data, { ...options, epochs: 8 });
    const inference = { normalisation, threads: 1 };
    const taught: Dataset = {
      ...data,
      labels: data.labels.map(() => 0),
      teacher: {
        classes: 3,
        plain: await logitsOf(teacher, data, inference),
        mirrored: await logitsOf(teacher, mirrored(data), inference),
      },
    };
    const loss = distillation({ labels: 0, temperature: 3 });
    const student = await train(tinyNetwork(2), taught, { ...options, epochs: 8, loss });
    expect(await accuracy(student, bars(300, 99))).toBeGreaterThan(0.95);
  });

  test("reports every step and every epoch", async () => {
    const steps: Progress[] = [];
    const epochs: number[] = [];
    await train(tinyNetwork(), data, {
      ...options,
      onStep: (progress) => steps.push(progress),
      onEpoch: (epoch) => void epochs.push(epoch),
    });
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 18 }, (_, i) => i + 1));
    expect(steps.every(({ accuracy }) => accuracy >= 0 && accuracy <= 1)).toBe(true);
    expect(steps.at(-1)).toMatchObject({ steps: 18, secondsLeft: 0 });
    expect(epochs).toEqual([1, 2, 3]);
  });
});

describe("an interrupted run", () => {
  const runs: Record<string, Partial<TrainingOptions>> = {
    "by SGD": {},
    "by Muon with lookahead": { optimiser: lookahead(muon({ renormalise: true })), rate: oneCycle({ peak: 0.1 }) },
  };

  test.each(Object.keys(runs))("%s goes on to the same network, bit for bit", async (run) => {
    const whole = await train(tinyNetwork(), data, { ...options, ...runs[run] });
    await expect(interrupted(7, runs[run])).rejects.toThrow("aborted");
    const steps: number[] = [];
    const onStep = ({ step }: Progress): void => void steps.push(step);
    const resumed = await train(tinyNetwork(), data, { ...checkpointed(runs[run]), onStep });
    expect(steps[0]).toBe(8);
    expect(encodeModel(resumed)).toEqual(encodeModel(whole));
  });

  test("is not mixed up with a run of other settings", async () => {
    await expect(interrupted(5)).rejects.toThrow("aborted");
    const other = train(tinyNetwork(), data, { ...checkpointed(), seed: 6 });
    await expect(other).rejects.toThrow(InputError);
    await expect(other).rejects.toThrow(/run\.checkpoint: is the checkpoint of a run with other settings/);
  });
});

describe("train refuses", () => {
  test("a loss that is no number, naming the step and a layer", async () => {
    const attempt = train(tinyNetwork(), data, { ...options, rate: () => 1e30 });
    await expect(attempt).rejects.toThrow(TrainingError);
    await expect(attempt).rejects.toThrow(/no longer a number at step \d+, first seen in "stage0\.conv/);
  });

  test("a teacher's loss without a teacher", async () => {
    const loss = distillation({ labels: 0.5, temperature: 3 });
    await expect(train(tinyNetwork(), data, { ...options, loss })).rejects.toThrow(UsageError);
  });

  test("mirrored images whose teacher saw them plain only", async () => {
    const taught = { ...data, teacher: { classes: 3, plain: new Float32Array(192 * 3) } };
    const loss = distillation({ labels: 0.5, temperature: 3 });
    await expect(train(tinyNetwork(), taught, { ...options, loss })).rejects.toThrow(/mirrored images too/);
  });

  test.each([
    [
      "images of another size",
      { ...data, shape: [1, 4, 16] as const },
      "images have shape 1 x 4 x 16, the network reads 1 x 8 x 8",
    ],
    [
      "a label beyond the classes",
      { ...data, labels: data.labels.map((label) => label + 1) },
      "a label is 3, the network has classes 0..2",
    ],
    ["labels without images", { ...data, images: data.images.subarray(64) }, "192 labels, but 191 images"],
  ])("%s", async (_, set, message) => {
    await expect(train(tinyNetwork(), set, options)).rejects.toThrow(message);
  });

  test("part of an epoch", async () => {
    await expect(train(tinyNetwork(), data, { ...options, epochs: 0.5 })).rejects.toThrow(/epochs .* received 0\.5/);
  });

  test("fewer images than one batch", async () => {
    await expect(train(tinyNetwork(), bars(31), options)).rejects.toThrow(/31 images make no batch/);
  });
});

const logits = (network: Model): Promise<Float32Array> => logitsOf(network, data, { normalisation, threads: 1 });
