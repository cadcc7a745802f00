import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InputError, TrainingError, UsageError } from "../../src/errors.ts";
import { encodeModel, float32, foldBatchNormalization, type Model } from "../../src/onnx/index.ts";
import {
  accuracyOf,
  crossEntropy,
  type Dataset,
  distillation,
  featureMatching,
  logitsOf,
  lookahead,
  type Mixup,
  mirrored,
  muon,
  oneCycle,
  type Progress,
  sgd,
  sumOfLosses,
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

test.each<[Partial<TrainingOptions>, RegExp]>([
  [{ batch: 0 }, /batch must be a whole number above 0, received 0/],
  [{ threads: 0.5 }, /threads must be/],
  [{ seed: Number.NaN }, /seed must be a whole number, received NaN/],
  [{ augmentation: { shift: -3 } }, /shift must be a whole number of pixels from 0 to \d+, received -3/],
  [{ augmentation: { cutout: 80 } }, /cutout must be a whole number of pixels from 0 to \d+, received 80/],
])("options %j are refused", async (changes, message) => {
  const attempt = train(tinyNetwork(), data, { ...options, ...changes });
  await expect(attempt).rejects.toThrow(UsageError);
  await expect(attempt).rejects.toThrow(message);
});

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

const constantsOf = (network: Model, name: string): Float32Array =>
  network.graph.constants.get(name)!.data as Float32Array;

const difference = (left: Model, right: Model): number => {
  const names = [...left.graph.constants.keys()];
  const gaps = names.map((name) => {
    const [a, b] = [constantsOf(left, name), constantsOf(right, name)];
    return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
  });
  return Math.max(...gaps);
};

describe("gradient accumulation", () => {
  const frozen = { ...options, epochs: 2, batchNormalization: "frozen" as const, averaging: 0 };

  test("takes the steps of a batch as many times larger, where images do not touch each other's", async () => {
    const whole = await train(tinyNetwork(), data, { ...frozen, batch: 48 });
    const parts = await train(tinyNetwork(), data, { ...frozen, batch: 12, accumulate: 4 });
    expect(difference(whole, parts)).toBeLessThan(1e-5);
    expect(difference(whole, tinyNetwork())).toBeGreaterThan(1e-2);
  });

  test("reports the loss and the accuracy of the whole step", async () => {
    const seen: Progress[][] = [];
    for (const sizes of [{ batch: 48 }, { batch: 12, accumulate: 4 }]) {
      const steps: Progress[] = [];
      await train(tinyNetwork(), data, { ...frozen, ...sizes, onStep: (progress) => steps.push(progress) });
      seen.push(steps);
    }
    expect(seen[1]!.map(({ accuracy }) => accuracy)).toEqual(seen[0]!.map(({ accuracy }) => accuracy));
    seen[1]!.forEach(({ loss }, i) => {
      expect(loss).toBeCloseTo(seen[0]![i]!.loss, 4);
    });
  });
});

describe("what is frozen", () => {
  test("keeps its values, while the rest learns", async () => {
    const freeze = ["stage0.conv.weight", "linear.bias"];
    const before = tinyNetwork();
    const after = await train(before, data, { ...options, epochs: 1, freeze });
    for (const name of freeze) expect(constantsOf(after, name)).toEqual(constantsOf(before, name));
    expect(constantsOf(after, "linear.weight")).not.toEqual(constantsOf(before, "linear.weight"));
  });

  test("are the statistics of BatchNormalization where asked", async () => {
    const before = await train(tinyNetwork(), data, { ...options, epochs: 1 });
    const after = await train(before, data, { ...options, epochs: 1, batchNormalization: "frozen" });
    for (const name of ["stage0.conv.norm.mean", "stage0.conv.norm.variance"]) {
      expect(constantsOf(after, name)).toEqual(constantsOf(before, name));
    }
    expect(constantsOf(after, "stage0.conv.norm.scale")).not.toEqual(constantsOf(before, "stage0.conv.norm.scale"));
  });

  test("must be a parameter", async () => {
    const attempt = train(tinyNetwork(), data, { ...options, freeze: ["linear.wieght"] });
    await expect(attempt).rejects.toThrow(
      /unknown parameter to freeze "linear\.wieght".*Did you mean "linear\.weight"/,
    );
  });
});

describe("a teacher that runs beside", () => {
  const loss = distillation({ labels: 0, temperature: 3 });

  test("teaches as its cached logits do, where images are shown as they are", async () => {
    const teacher = { network: tinyNetwork(7) };
    const plain = await logitsOf(teacher.network, data, { normalisation, threads: 1 });
    const shown = { ...options, epochs: 2, augmentation: {}, loss, averaging: 0 };
    const cached = await train(tinyNetwork(), { ...data, teacher: { classes: 3, plain } }, shown);
    const beside = await train(tinyNetwork(), data, { ...shown, teacher });
    expect(difference(cached, beside)).toBeLessThan(1e-4);
  });

  test("teaches from mixed images without any label", async () => {
    const teacher = { network: await train(tinyNetwork(), data, { ...options, epochs: 8 }) };
    const unlabelled = { ...data, labels: data.labels.map(() => 0) };
    const augmentation = { shift: 1, mixup: { alpha: 1 } };
    const student = await train(tinyNetwork(2), unlabelled, { ...options, epochs: 10, augmentation, loss, teacher });
    expect(await accuracy(student, bars(300, 99))).toBeGreaterThan(0.95);
  });

  test("shows its inner values to the loss", async () => {
    const teacher = { network: await train(tinyNetwork(), data, { ...options, epochs: 8 }) };
    const features = featureMatching([{ student: "features", teacher: "features" }]);
    const losses: number[] = [];
    const onStep = ({ loss }: Progress): void => void losses.push(loss);
    await train(tinyNetwork(2), data, { ...options, epochs: 8, loss: features, teacher, onStep });
    expect(losses.at(-1)!).toBeLessThan(0.3);
    expect(losses[0]!).toBeGreaterThan(1);
  });

  test.each([
    ["student", { student: "featuers", teacher: "features" }, /unknown value of the network "featuers".*"features"/],
    ["teacher", { student: "features", teacher: "featuers" }, /unknown value of the teacher "featuers".*"features"/],
  ])("refuses an unknown value of the %s", async (_, pair, message) => {
    const attempt = train(tinyNetwork(), data, {
      ...options,
      loss: featureMatching([pair]),
      teacher: { network: tinyNetwork() },
    });
    await expect(attempt).rejects.toThrow(message);
  });
});

const mixing = (mixup: Mixup): TrainingOptions => ({ ...options, augmentation: { mixup } });

describe("mixup", () => {
  test("does not mix labels unless asked", async () => {
    await expect(train(tinyNetwork(), data, mixing({ alpha: 1 }))).rejects.toThrow(/confidence.*mixup\.labels/);
    const trained = await train(tinyNetwork(), data, { ...mixing({ alpha: 0.2, labels: true }), epochs: 8 });
    expect(await accuracy(trained, bars(300, 99))).toBeGreaterThan(0.95);
  });

  test("does not take a teacher's logits of unmixed images for those of mixed ones", async () => {
    const taught = { ...data, teacher: { classes: 3, plain: new Float32Array(192 * 3) } };
    const loss = distillation({ labels: 0, temperature: 3 });
    await expect(train(tinyNetwork(), taught, { ...mixing({ alpha: 1 }), loss })).rejects.toThrow(/give its network/);
  });
});

describe("an interrupted run", () => {
  const runs: Record<string, Partial<TrainingOptions>> = {
    "by SGD": {},
    "with gathered gradients": { batch: 16, accumulate: 2 },
    "with a teacher of mixed images": {
      augmentation: { shift: 1, alternatingFlip: true, mixup: { alpha: 1 } },
      teacher: { network: tinyNetwork(3) },
      loss: sumOfLosses([
        { loss: distillation({ labels: 0, temperature: 3 }), weight: 1 },
        { loss: featureMatching([{ student: "features", teacher: "features" }]), weight: 0.1 },
      ]),
    },
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
    const rates = train(tinyNetwork(), data, {
      ...checkpointed(),
      rate: (progress) => (progress < 0.58 ? 0.05 : 0.01),
    });
    await expect(rates).rejects.toThrow(/a run with other settings/);
    truncateSync(join(folder, "run.checkpoint"), 50);
    await expect(train(tinyNetwork(), data, checkpointed())).rejects.toThrow(
      /run\.checkpoint: is no checkpoint, or is damaged/,
    );
  });
});

describe("train refuses", () => {
  test("a loss that is no number, naming the step and the layer where numbers ended", async () => {
    const attempt = train(tinyNetwork(), data, { ...options, rate: () => 1e30 });
    await expect(attempt).rejects.toThrow(TrainingError);
    await expect(attempt).rejects.toThrow(/no longer a number at step \d+, first seen in "stage0\./);
  });

  test("a layer that overflows in the middle of the network, by its own name", async () => {
    const network = tinyNetwork();
    const norm = network.graph.nodes.find(({ name }) => name === "stage1.conv.norm")!;
    network.graph.constants.set(norm.inputs[1]!, float32(new Float32Array(16).fill(3e38)));
    const attempt = train(network, data, options);
    await expect(attempt).rejects.toThrow(/at step 1, first seen in "stage1\.conv\.norm"/);
  });

  test("weights that the last step breaks, by their name", async () => {
    const attempt = train(tinyNetwork(), data, { ...options, rate: (progress) => (progress > 0.9 ? Infinity : 0) });
    await expect(attempt).rejects.toThrow(/at step 18, first seen in "stage0\.conv\.weight"/);
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
    await expect(train(tinyNetwork(), bars(31), options)).rejects.toThrow(/31 images make no step/);
  });
});

const logits = (network: Model): Promise<Float32Array> => logitsOf(network, data, { normalisation, threads: 1 });
